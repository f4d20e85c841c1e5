//! [`Bench`]: the real `brownian` binary in a temporary folder.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use brownian_core::model::tiny;
use serde_json::Value;

/// A temporary folder to run `brownian` in. Sees neither the user's configuration nor their models.
pub struct Bench {
    folder: tempfile::TempDir,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Run {
    /// Exit code.
    pub code: i32,
    /// Results.
    pub stdout: String,
    /// Everything else.
    pub stderr: String,
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

impl Bench {
    /// An empty folder.
    ///
    /// # Panics
    /// If there can be none.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// The folder, or what is `name` in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Write a file.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a folder");
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    /// Put the model `tiny` (random weights; classes kick and snare, attribute brightness) into the user's models.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn with_tiny_model(self) -> Self {
        std::fs::create_dir_all(self.path("models")).expect("a folder");
        tiny::write(&self.path("models/tiny.safetensors"), &tiny::two_stage_card()).expect("a model");
        self
    }

    /// Put the model `texture` (random weights, 0.128 s at 16 kHz, no place in time) into the user's models.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn with_tiny_texture(self) -> Self {
        std::fs::create_dir_all(self.path("models")).expect("a folder");
        tiny::write(&self.path("models/texture.safetensors"), &tiny::texture_card()).expect("a model");
        self
    }

    /// The bytes of a file.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("a file")
    }

    /// Names of everything in `folder`, sorted, hidden files too.
    ///
    /// # Panics
    /// If the folder cannot be read.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Run `brownian` with these arguments.
    pub fn run(&self, args: &[&str]) -> Run {
        self.run_in(args, &[])
    }

    /// As [`Bench::run`], with these environment variables.
    ///
    /// # Panics
    /// If the program cannot be started.
    pub fn run_in(&self, args: &[&str], environment: &[(&str, &str)]) -> Run {
        let mut command = self.command(binary());
        command.args(args).envs(environment.iter().copied());
        Run::of(command.output().expect("the program starts"))
    }

    /// Start `brownian` with these arguments and let it run, unheard.
    ///
    /// # Panics
    /// If the program cannot be started.
    pub fn spawn(&self, args: &[&str]) -> Child {
        let mut command = self.command(binary());
        command.args(args).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the program starts")
    }

    /// A shell script that finds the program as `$BROWNIAN`.
    ///
    /// # Panics
    /// If the shell cannot be started.
    pub fn shell(&self, script: &str) -> Run {
        let mut command = self.command(Path::new("sh"));
        command.args(["-c", script]).env("BROWNIAN", binary());
        Run::of(command.output().expect("the shell starts"))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("BROWNIAN_") {
                command.env_remove(name);
            }
        }
        command.current_dir(self.folder.path()).env("BROWNIAN_MODELS", self.path("models"));
        command.env("HOME", self.path("home")).env_remove("XDG_CONFIG_HOME").env_remove("APPDATA");
        command
    }
}

impl Run {
    fn of(output: Output) -> Self {
        Self {
            // A signal has no code; none of ours is negative.
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Assert that everything was done.
    ///
    /// # Panics
    /// If it was not.
    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.code, 0, "{self:#?}");
        self
    }

    /// Assert that it failed with `code`, on one line of stderr that names every one of `words`, and said nothing else.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn refused(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        assert_eq!(self.stdout, "", "{self:#?}");
        assert!(self.stderr.starts_with("brownian: ") && self.stderr.lines().count() == 1, "{self:#?}");
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in {self:#?}");
        }
        self
    }

    /// The lines of stdout as JSON.
    ///
    /// # Panics
    /// If one is none.
    #[track_caller]
    pub fn json(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}

/// The binary of this build, made first where it is missing or old. `BROWNIAN_BIN` names another.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| std::env::var_os("BROWNIAN_BIN").map_or_else(build, PathBuf::from))
}

/// Cargo tells no test where the binary of another package is: it lies two folders above the test's own.
fn build() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a file");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let target = profile.parent().expect("target/PROFILE");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Of the whole workspace, as the tests were: other features would build half of it again.
    cargo.args(["build", "--quiet", "--workspace", "--bin", "brownian", "--manifest-path"]);
    cargo.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")).arg("--target-dir").arg(target);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().expect("cargo starts").success(), "the program does not build");
    profile.join(format!("brownian{}", std::env::consts::EXE_SUFFIX))
}
