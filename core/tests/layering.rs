//! Keeps the module map true: a module imports only the modules that its row of [`TABLE`] lists.
//!
//! The sources are read as text: comments and literals are blanked, then every path that starts at `crate::` (or
//! leaves a top-level module by `super::`) is looked up. What the reader cannot follow it refuses.

use std::fs;
use std::path::{Path, PathBuf};

/// A module of the library: its layer, and what it may import.
struct Row {
    layer: usize,
    module: &'static str,
    imports: &'static [&'static str],
}

const fn row(layer: usize, module: &'static str, imports: &'static [&'static str]) -> Row {
    Row { layer, module, imports }
}

/// The module map. A row here is a decision: its layers are those of the map in `src/lib.rs`.
const TABLE: &[Row] = &[
    row(0, "error", &[]),
    row(0, "noise", &[]),
    row(1, "audio", &["error"]),
    row(1, "dsp", &["error"]),
    row(1, "nn", &["error", "noise"]),
    row(1, "diffusion", &["error", "noise"]),
    row(2, "representation", &["error", "noise", "audio", "dsp"]),
    row(2, "unet", &["error", "nn"]),
    row(2, "conditioning", &["error", "nn"]),
    row(3, "model", &["error", "noise", "audio", "nn", "diffusion", "representation", "unet", "conditioning"]),
    row(3, "dataset", &["error", "noise", "audio", "dsp"]),
    row(3, "metrics", &["error", "audio", "dsp"]),
    row(4, "generate", &["error", "noise", "audio", "diffusion", "representation", "conditioning", "model", "metrics"]),
    row(
        5,
        "evaluate",
        &["error", "noise", "audio", "diffusion", "conditioning", "model", "dataset", "metrics", "generate"],
    ),
    row(
        5,
        "train",
        &[
            "error",
            "noise",
            "audio",
            "nn",
            "diffusion",
            "representation",
            "unet",
            "conditioning",
            "model",
            "dataset",
            "metrics",
            "generate",
        ],
    ),
];

/// What the tests of any module may import besides: every random number comes from there.
const TESTS_MAY_IMPORT: &[&str] = &["noise"];

/// Names at the crate's root that are re-exports, with the module they come from.
const ROOT_NAMES: &[(&str, &str)] = &[("Error", "error"), ("Result", "error")];

#[test]
fn every_module_imports_only_what_the_map_allows() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&sources, &mut files);
    assert!(files.len() >= TABLE.len(), "read only {} files under {}", files.len(), sources.display());
    let read = |file: &PathBuf| (file.strip_prefix(&sources).unwrap().to_owned(), fs::read_to_string(file).unwrap());
    let files: Vec<(PathBuf, String)> = files.iter().map(read).collect();
    let tests: Vec<PathBuf> = files.iter().flat_map(|(path, source)| test_files(path, source)).collect();
    let is_test = |path: &Path| tests.iter().any(|test| path.with_extension("").starts_with(test));
    let violations: Vec<String> = files.iter().flat_map(|(path, source)| check(path, source, is_test(path))).collect();
    assert!(violations.is_empty(), "the module map is broken:\n{}", violations.join("\n"));
}

#[test]
fn every_row_of_the_map_is_a_module_and_imports_lower_layers() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for Row { layer, module, imports } in TABLE {
        assert!(sources.join(module).is_dir() || sources.join(format!("{module}.rs")).is_file(), "no module {module}");
        for import in *imports {
            let below = row_of(import).unwrap_or_else(|| panic!("{module} lists {import}, which has no row"));
            assert!(below.layer < *layer, "{module} (layer {layer}) lists {import} (layer {})", below.layer);
        }
    }
}

/// Every Rust file under `folder`, in order of names.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn row_of(module: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.module == module)
}

/// What is wrong with the file at `path` (relative to `src`), one line each. `is_test_file`: see [`test_files`].
fn check(path: &Path, source: &str, is_test_file: bool) -> Vec<String> {
    let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).collect();
    if parts == ["lib.rs"] {
        return Vec::new();
    }
    let module = parts[0].trim_end_matches(".rs");
    let Some(row) = row_of(module) else {
        return vec![format!("{}: module {module} is missing from the map", path.display())];
    };
    let code = blank_comments_and_literals(source);
    let is_top = parts.len() == 1 || parts[1..] == ["mod.rs"];
    let tests = test_ranges(&code);
    let in_tests = |at: usize| is_test_file || tests.iter().any(|range| range.contains(&at));
    let mut violations = Vec::new();
    let mut report = |at: usize, what: String| {
        let line = code[..at].matches('\n').count() + 1;
        violations.push(format!("{}:{line}: {what}", path.display()));
    };
    for at in occurrences(&code, "super::super::") {
        // In a test module one step up is the file itself; so two may be read, unless they reach another module.
        let name = identifier(&code[at + "super::super::".len()..]).unwrap_or_default();
        if !in_tests(at) || row_of(&name).is_some_and(|other| other.module != row.module) {
            report(at, "`super::super::` hides where a path leads; write it from `crate::`".to_owned());
        }
    }
    for at in occurrences(&code, "crate::") {
        match first_segments(&code[at + "crate::".len()..]) {
            Err(found) => report(at, format!("cannot read `crate::{found}`; name a module there")),
            Ok(names) => {
                names.iter().filter_map(|name| forbidden(row, name, in_tests(at))).for_each(|what| report(at, what))
            }
        }
    }
    for at in occurrences(&code, "super::").filter(|_| is_top) {
        // In a top-level module `super` is the crate's root (in its test module it is the module itself, which has no
        // child named like another row).
        let names = first_segments(&code[at + "super::".len()..]).unwrap_or_default();
        for name in names.iter().filter(|name| row_of(name).is_some_and(|other| other.module != row.module)) {
            report(at, format!("`super::{name}` leaves {module}; write it from `crate::`"));
        }
    }
    violations
}

/// Why `row` may not import `name`, if it may not.
fn forbidden(row: &Row, name: &str, in_tests: bool) -> Option<String> {
    let root = ROOT_NAMES.iter().find(|(root, _)| *root == name);
    let imported = root.map_or(name, |(_, module)| module);
    if imported == row.module || row.imports.contains(&imported) {
        return None;
    }
    if in_tests && TESTS_MAY_IMPORT.contains(&imported) {
        return None;
    }
    Some(format!("{} may not import {imported} (it may: {})", row.module, row.imports.join(", ")))
}

/// Byte offsets of `path`, where it does not continue an identifier or another path.
fn occurrences<'a>(code: &'a str, path: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(path).map(|(at, _)| at).filter(|&at| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c == '_' || c == ':' || c == '$' || c.is_alphanumeric())
    })
}

/// The first names after `crate::`: one for a plain path, several for a brace group; the text where it is neither.
fn first_segments(rest: &str) -> Result<Vec<String>, String> {
    let group = rest.trim_start().strip_prefix('{');
    let Some(group) = group else { return identifier(rest).map(|name| vec![name]) };
    let (mut depth, mut items) = (0, vec![String::new()]);
    for c in group.chars() {
        match c {
            '}' if depth == 0 => {
                return items.iter().filter(|item| !item.trim().is_empty()).map(|item| identifier(item)).collect();
            }
            ',' if depth == 0 => items.push(String::new()),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                items.last_mut().unwrap().push(c);
            }
        }
    }
    Err("{ without an end".to_owned())
}

/// The identifier at the start of `text`, which must be a plain name and not `self`, `super` or `*`.
fn identifier(text: &str) -> Result<String, String> {
    let text = text.trim_start();
    let name: String = text.chars().take_while(|&c| c == '_' || c.is_alphanumeric()).collect();
    match name.as_str() {
        "" | "self" | "super" | "crate" => Err(text.chars().take(20).collect()),
        _ => Ok(name),
    }
}

/// The files, without `.rs`, that `source` at `path` declares by `#[cfg(test)] mod name;`.
fn test_files(path: &Path, source: &str) -> Vec<PathBuf> {
    let folder = if path.ends_with("mod.rs") { path.parent().unwrap().to_owned() } else { path.with_extension("") };
    let code = blank_comments_and_literals(source);
    let declared = |range: std::ops::Range<usize>| {
        let name = code[range.clone()].split_once("mod ")?.1.trim();
        // The path is a literal: read where the blanked code has spaces.
        let by_path = source[range].split_once("#[path = \"").and_then(|(_, rest)| rest.split_once(".rs\""));
        let beside = path.parent().unwrap();
        (!name.contains('{')).then(|| by_path.map_or(folder.join(name), |(path, _)| beside.join(path)))
    };
    test_ranges(&code).into_iter().filter_map(declared).collect()
}

/// Byte ranges of the items under `#[cfg(test)]`, from the attribute to the end of its braces or its semicolon.
fn test_ranges(code: &str) -> Vec<std::ops::Range<usize>> {
    code.match_indices("#[cfg(test)]").map(|(start, _)| start..item_end(code, start)).collect()
}

fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0;
    for (at, c) in code[start..].char_indices() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if depth == 0 && (c == '}' || c == ';') {
            return start + at;
        }
    }
    code.len()
}

/// `source` with comments and the insides of string and character literals replaced by spaces; lines stay.
fn blank_comments_and_literals(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => string(rest),
            'r' | 'b' if !ends_in_name(&out) && raw_string(rest).is_some() => raw_string(rest).unwrap(),
            '\'' => character(rest),
            _ => 0,
        };
        let (blanked, next) = rest.split_at(length.max(c.len_utf8()));
        if length == 0 {
            out.push_str(blanked);
        } else {
            // Byte for byte, so that an offset means the same in both.
            out.extend(blanked.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        }
        rest = next;
    }
    out
}

fn ends_in_name(text: &str) -> bool {
    text.chars().next_back().is_some_and(|c| c == '_' || c.is_alphanumeric())
}

/// Length of the (nested) block comment at the start of `text`.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let here = &text[at..];
        if here.starts_with("/*") || here.starts_with("*/") {
            depth += if here.starts_with("/*") { 1 } else { -1 };
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Length of the string literal at the start of `text`.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    text.len()
}

/// Length of the raw string literal (`r"…"`, `r#"…"#`, `br"…"`) at the start of `text`, if there is one.
fn raw_string(text: &str) -> Option<usize> {
    let prefix = if text.starts_with("br") { 2 } else { 1 };
    let hashes = text.get(prefix..)?.chars().take_while(|&c| c == '#').count();
    if !text.starts_with(['r', 'b']) || (prefix == 1 && !text.starts_with('r')) {
        return None;
    }
    let body = text[prefix + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(prefix + hashes + 1 + length)
}

/// Length of the character literal at the start of `text`; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => text[3..].find('\'').map_or(0, |at| at + 4),
        Some(_) => chars.next().filter(|&(_, c)| c == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

/// What [`check`] says of a snippet as if it stood in this file.
fn verdict(path: &str, source: &str) -> String {
    check(Path::new(path), source, false).join("\n")
}

#[test]
fn an_import_from_a_higher_layer_is_found_with_its_line() {
    let got = verdict("nn/linear.rs", "\nuse crate::diffusion::Denoiser;\n");
    assert_eq!(got, "nn/linear.rs:2: nn may not import diffusion (it may: error, noise)");
    assert!(verdict("noise.rs", "fn f() -> crate::Result<()> { todo!() }").contains("noise may not import error"));
    assert!(verdict("dsp/mel.rs", "let x = crate::model::load();").contains("dsp may not import model"));
}

#[test]
fn imports_that_the_map_lists_pass() {
    assert_eq!(verdict("model/mod.rs", "use crate::error::Result;\nuse crate::unet::Unet;"), "");
    assert_eq!(verdict("audio/wav.rs", "pub(crate) use crate::audio::Clip;\nuse crate::{Error, Result};"), "");
}

#[test]
fn a_module_that_the_map_lacks_is_found() {
    assert_eq!(verdict("wizard/mod.rs", ""), "wizard/mod.rs: module wizard is missing from the map");
    assert!(verdict("nn/mod.rs", "use crate::wizard::Spell;").contains("nn may not import wizard"));
}

#[test]
fn brace_groups_are_read_or_refused() {
    assert!(verdict("nn/mod.rs", "use crate::{\n error::{Error, Result},\n unet::Unet };").contains("import unet"));
    assert_eq!(verdict("nn/mod.rs", "use crate::{error::{Error, Result}, nn::Linear,};"), "");
    for unreadable in ["use crate::{self, error};", "use crate::*;", "use crate::{*};", "use crate::{error"] {
        assert!(verdict("nn/mod.rs", unreadable).contains("cannot read"), "{unreadable}");
    }
}

#[test]
fn paths_that_climb_are_found() {
    assert!(verdict("nn/conv/same.rs", "use super::super::linear::Linear;").contains("hides where a path leads"));
    assert!(verdict("nn/mod.rs", "use super::diffusion::Denoiser;").contains("leaves nn"));
    assert_eq!(verdict("nn/conv/same.rs", "#[cfg(test)] mod tests { use super::super::linear::Linear; }"), "");
    assert!(verdict("nn/mod.rs", "#[cfg(test)] mod tests { use super::super::dsp::Mel; }").contains("hides"));
    assert_eq!(verdict("nn/mod.rs", "#[cfg(test)] mod tests { use super::*; use super::linear::Linear; }"), "");
}

#[test]
fn a_file_of_tests_is_known_by_its_declaration() {
    let source = "mod plain;\n#[cfg(test)]\npub(crate) mod tiny;\n#[cfg(test)]\nmod tests { fn f() {} }";
    assert_eq!(test_files(Path::new("model/mod.rs"), source), [Path::new("model/tiny")]);
    assert_eq!(test_files(Path::new("audio/wav.rs"), "#[cfg(test)] mod tests;"), [Path::new("audio/wav/tests")]);
    let elsewhere = "#[cfg(test)]\n#[path = \"file_tests.rs\"]\nmod tests;";
    assert_eq!(test_files(Path::new("model/file.rs"), elsewhere), [Path::new("model/file_tests")]);
    let drawing = "use crate::noise::Seed;";
    assert!(check(Path::new("unet/tiny.rs"), drawing, true).is_empty());
    assert!(!check(Path::new("unet/tiny.rs"), drawing, false).is_empty());
}

#[test]
fn tests_may_draw_noise_and_nothing_else_more() {
    let test = |import: &str| format!("#[cfg(test)]\nmod tests {{ use crate::{import}; }}\nfn after() {{}}");
    assert_eq!(verdict("dsp/mel.rs", &test("noise::Seed")), "");
    assert!(verdict("dsp/mel.rs", &test("diffusion::heun")).contains("dsp may not import diffusion"));
    let after = "#[cfg(test)]\nmod tests {}\nuse crate::noise::Seed;";
    assert!(verdict("dsp/mel.rs", after).contains("dsp may not import noise"));
}

#[test]
fn comments_and_literals_import_nothing() {
    let harmless = r##"
        //! See crate::train.
        /* crate::train /* nested */ crate::train */
        const A: &str = "crate::train \" crate::train";
        const B: &str = r#"crate::train " crate::train"#;
        const C: (char, char, char) = ('"', '\'', '\\');
        fn lifetime<'a>(x: &'a str) -> &'a str { x }
    "##;
    assert_eq!(verdict("nn/mod.rs", harmless), "");
    assert!(verdict("nn/mod.rs", &format!("{harmless} use crate::train::run;")).contains("import train"));
}
