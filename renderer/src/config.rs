//! Settings below the flags: the environment (`BROWNIAN_STEPS=32`), then the configuration file, then defaults.
//!
//! Both speak the same keys, those of the flags. The file is TOML:
//!
//! ```toml
//! steps = 24
//! sample-rate = 48000
//! level = { lufs = -14.0 }   # or { peak_dbfs = -1.0 }, or "raw"
//! ```

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use brownian_core::diffusion::Sampler;
use brownian_core::generate::{FileFormat, Level};
use serde::Deserialize;

use crate::cli::DeviceName;

/// The keys, as in the file; `BROWNIAN_` and the key in capitals, `_` for `-`, in the environment.
const KEYS: [&str; 11] = [
    "steps",
    "sampler",
    "guidance",
    "batch-size",
    "out",
    "format",
    "sample-rate",
    "channels",
    "level",
    "device",
    "threads",
];

/// What environment and file say; `None` where neither does.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Settings {
    /// Sampling steps.
    pub steps: Option<usize>,
    /// Sampler.
    pub sampler: Option<Sampler>,
    /// Guidance scale.
    pub guidance: Option<f64>,
    /// Clips rendered together.
    pub batch_size: Option<usize>,
    /// Where clips go.
    pub out: Option<PathBuf>,
    /// File format.
    pub format: Option<FileFormat>,
    /// Hz.
    pub sample_rate: Option<u32>,
    /// 1 or 2.
    pub channels: Option<u16>,
    /// What the level is set to.
    pub level: Option<Level>,
    /// Where to compute.
    pub device: Option<DeviceName>,
    /// 0 takes the machine's.
    pub threads: Option<usize>,
}

impl Settings {
    /// Read the process's environment and the configuration file that `BROWNIAN_CONFIG` names, or else the platform's.
    ///
    /// # Errors
    /// A file that is named but missing, is no TOML, or an unknown key or a wrong value in either place.
    pub fn load() -> Result<Self> {
        let environment = |name: &str| std::env::var(name).ok();
        let chosen = environment("BROWNIAN_CONFIG").map(PathBuf::from);
        // The platform's file need not be there; one that was named must.
        let path = chosen.or_else(|| platform_file(environment).filter(|path| path.is_file()));
        let file = path.map_or_else(|| Ok(Self::default()), |path| Self::from_file(&path, &read(&path)?))?;
        Ok(Self::from_environment(environment)?.or(file))
    }

    fn from_file(path: &Path, text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            anyhow!("configuration file {}, line {line}: {}", path.display(), error.message())
        })
    }

    fn from_environment(value_of: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let mut settings = Self::default();
        for key in KEYS {
            let name = format!("BROWNIAN_{}", key.to_uppercase().replace('-', "_"));
            let Some(text) = value_of(&name).filter(|text| !text.is_empty()) else { continue };
            let table = toml::Table::from_iter([(key.to_string(), typed(&text))]);
            let one: Self = table
                .try_into()
                .map_err(|error: toml::de::Error| anyhow!("environment variable {name}={text}: {}", error.message()))?;
            settings = settings.or(one);
        }
        Ok(settings)
    }

    /// Each setting of `self`, or else of `lower`.
    fn or(self, lower: Self) -> Self {
        Self {
            steps: self.steps.or(lower.steps),
            sampler: self.sampler.or(lower.sampler),
            guidance: self.guidance.or(lower.guidance),
            batch_size: self.batch_size.or(lower.batch_size),
            out: self.out.or(lower.out),
            format: self.format.or(lower.format),
            sample_rate: self.sample_rate.or(lower.sample_rate),
            channels: self.channels.or(lower.channels),
            level: self.level.or(lower.level),
            device: self.device.or(lower.device),
            threads: self.threads.or(lower.threads),
        }
    }
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("configuration file {}", path.display()))
}

/// A variable's text as TOML would read it; where it would not, the text itself.
fn typed(text: &str) -> toml::Value {
    let parsed = toml::from_str::<toml::Table>(&format!("value = {text}")).ok();
    parsed.and_then(|mut table| table.remove("value")).unwrap_or_else(|| text.into())
}

/// `brownian/config.toml` in the folder where the platform keeps configuration.
fn platform_file(value_of: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let folder = |name: &str| value_of(name).filter(|text| !text.is_empty()).map(PathBuf::from);
    let base = if cfg!(windows) {
        folder("APPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")))
    };
    base.map(|base| base.join("brownian").join("config.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_reads_alike_from_the_file_and_the_environment() {
        let values = [
            ("steps", "24"),
            ("sampler", "\"heun\""),
            ("guidance", "1.5"),
            ("batch-size", "3"),
            ("out", "\"sounds\""),
            ("format", "\"wav16\""),
            ("sample-rate", "48000"),
            ("channels", "2"),
            ("level", "{ lufs = -14.0 }"),
            ("device", "\"cpu\""),
            ("threads", "2"),
        ];
        assert_eq!(values.map(|(key, _)| key), KEYS);
        let text: String = values.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let file = Settings::from_file(Path::new("config.toml"), &text).unwrap();
        let environment = Settings::from_environment(|name| {
            let find = |key: &str| format!("BROWNIAN_{}", key.to_uppercase().replace('-', "_")) == name;
            values.iter().find(|(key, _)| find(key)).map(|(_, value)| value.trim_matches('"').to_string())
        });
        assert_eq!(environment.unwrap(), file);
        assert_eq!(file.level, Some(Level::Lufs(-14.0)));
        assert_eq!(file.sampler, Some(Sampler::Heun));
        assert!(file.threads == Some(2) && file.batch_size == Some(3) && file.out == Some(PathBuf::from("sounds")));
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let file = Settings { steps: Some(1), threads: Some(4), ..Settings::default() };
        let environment = Settings { steps: Some(2), ..Settings::default() };
        let merged = environment.or(file);
        assert_eq!((merged.steps, merged.threads), (Some(2), Some(4)));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_file() {
        let error = format!("{:#}", Settings::from_file(Path::new("my.toml"), "stepz = 3").unwrap_err());
        assert!(error.contains("my.toml") && error.contains("stepz") && error.contains("steps"), "{error}");
    }

    #[test]
    fn a_wrong_value_is_named_with_its_variable() {
        let wrong = |name: &str| (name == "BROWNIAN_STEPS").then(|| "many".to_string());
        let error = format!("{:#}", Settings::from_environment(wrong).unwrap_err());
        assert!(error.contains("BROWNIAN_STEPS=many"), "{error}");
    }
}
