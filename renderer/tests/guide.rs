//! Every command that the documentation shows is one that the program understands.

use std::path::Path;

use brownian::cli::Cli;
use clap::Parser;

/// The lines of a document's code blocks that call the program: the command without its explanation.
fn commands(document: &str) -> Vec<String> {
    let mut in_code = false;
    let mut found = Vec::new();
    for line in document.lines() {
        in_code ^= line.starts_with("```");
        let line = line.strip_prefix("    ").unwrap_or(if in_code { line } else { "" });
        if line.starts_with("brownian ") {
            // Two spaces set the explanation apart, ` > ` the file that takes the output.
            found.push(line.split("  ").next().unwrap_or(line).split(" > ").next().unwrap_or(line).to_owned());
        }
    }
    found
}

fn refusals(document: &str) -> Vec<String> {
    let refusal = |command: &String| match Cli::try_parse_from(command.split_whitespace()) {
        Ok(_) => None,
        Err(error) => Some(format!("{command}\n{error}")),
    };
    commands(document).iter().filter_map(refusal).collect()
}

#[test]
fn the_documents_show_only_commands_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for name in ["README.md", "docs/GUIDE.md"] {
        let text = std::fs::read_to_string(root.join(name)).unwrap();
        assert!(!commands(&text).is_empty(), "{name} shows no command");
        let refused = refusals(&text);
        assert!(refused.is_empty(), "{name} shows what the program refuses:\n{}", refused.join("\n"));
    }
}

#[test]
fn a_command_that_does_not_exist_is_found() {
    let document = "text\n```\nbrownian dream drums --deeper   makes dreams\n```\n    brownian data scan DIR > file\n";
    assert_eq!(commands(document), ["brownian dream drums --deeper", "brownian data scan DIR"]);
    assert_eq!(refusals(document).len(), 1);
}
