//! [`Arguments`]: a clip of a manifest as the arguments of `render`, so that a row can say whatever a command can.

use anyhow::{Context, Result, bail, ensure};
use brownian_core::conditioning::Attribute;
use brownian_core::error::did_you_mean;
use clap::{Arg, ArgAction, Args, Command, FromArgMatches};
use serde_json::Value;

use super::group::Fields;
use crate::cli::RenderArgs;

/// Flags of `render` that are the whole batch's, and what to do instead.
const NOT_IN_A_ROW: [(&str, &str); 10] = [
    ("out", "give it to `batch`"),
    ("device", "give it to `batch`"),
    ("threads", "give it to `batch`"),
    ("batch-size", "give it to `batch`"),
    ("json", "give it to `batch`"),
    ("dry-run", "give it to `batch`"),
    ("count", "write a range of seeds, such as seed = \"1..500\""),
    ("force", "delete the files that are to be made again"),
    ("play", "a batch is not heard"),
    ("spectrogram", "`batch --sheet` draws all clips"),
];

/// Reads clips as arguments; made once, used for each.
pub struct Arguments {
    command: Command,
}

impl Default for Arguments {
    fn default() -> Self {
        let mut command = RenderArgs::augment_args(Command::new("row").no_binary_name(true).disable_help_flag(true));
        command.build();
        Self { command }
    }
}

impl Arguments {
    /// What these keys and values mean as flags of `render`; `model` is its positional argument.
    ///
    /// # Errors
    /// An unknown key (with the nearest), a value that the flag does not take, no seed and no `from` to take it from.
    pub fn parse(&mut self, fields: &Fields) -> Result<RenderArgs> {
        let mut line = Vec::new();
        for (key, value) in fields {
            self.push(key, value, &mut line)?;
        }
        let has = |name: &str| fields.iter().any(|(key, value)| key == name && !value.is_null());
        ensure!(has("model") || has("from"), "no model; give model = \"drums\"");
        // A random seed would be another clip after every interruption.
        ensure!(has("seed") || has("from"), "no seed; give one, or a range such as seed = \"1..500\"");
        let matches =
            self.command.try_get_matches_from_mut(line).map_err(|error| anyhow::anyhow!(first_line(&error)))?;
        Ok(RenderArgs::from_arg_matches(&matches)?)
    }

    fn push(&self, key: &str, value: &Value, line: &mut Vec<String>) -> Result<()> {
        if let Value::Array(values) = value {
            return values.iter().try_for_each(|value| self.push(key, value, line));
        }
        let Some(text) = text(value).with_context(|| format!("{key} = {value}"))? else { return Ok(()) };
        if key == "model" {
            line.push(text);
        } else if let Some(name) = self.attribute(key) {
            line.push(format!("--set={name}={text}"));
        } else if self.flag(key)?.get_action().takes_values() {
            line.push(format!("--{key}={text}"));
        } else if text.parse().with_context(|| format!("{key} = {text:?}; need true or false"))? {
            line.push(format!("--{key}"));
        }
        Ok(())
    }

    /// `set.NAME`, or the bare name where no flag has it.
    fn attribute<'k>(&self, key: &'k str) -> Option<&'k str> {
        let is_attribute = || Attribute::ALL.iter().any(|attribute| attribute.name() == key);
        key.strip_prefix("set.").or_else(|| (self.find(key).is_none() && is_attribute()).then_some(key))
    }

    fn flag(&self, key: &str) -> Result<&Arg> {
        if let Some((_, instead)) = NOT_IN_A_ROW.iter().find(|(name, _)| *name == key) {
            bail!("{key} has no place in a row: {instead}");
        }
        let names = self.command.get_arguments().filter_map(Arg::get_long);
        let names = names.chain(["model", "name"]).chain(Attribute::ALL.map(Attribute::name));
        self.find(key).with_context(|| format!("unknown key {key:?}{}", did_you_mean(key, names)))
    }

    fn find(&self, key: &str) -> Option<&Arg> {
        let is_named = |arg: &&Arg| {
            arg.get_long() == Some(key) || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&key))
        };
        self.command.get_arguments().find(is_named).filter(|arg| !matches!(arg.get_action(), ArgAction::Help))
    }
}

/// As it would be typed; `None` says nothing.
fn text(value: &Value) -> Result<Option<String>> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Bool(_) | Value::Number(_) => Ok(Some(value.to_string())),
        Value::Array(_) | Value::Object(_) => bail!("need a text, a number, or true or false"),
    }
}

/// Of clap's page about a mistake, the line that tells it.
fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<RenderArgs> {
        let fields: serde_json::Map<String, Value> = serde_json::from_str(json).unwrap();
        Arguments::default().parse(&fields.into_iter().collect())
    }

    #[test]
    fn a_row_says_what_a_command_says() {
        let args = parse(
            r#"{"model":"drums","class":"kick","seed":7,"brightness":0.5,"set.loudness":0.25,"loudness":-14.0,
                "cfg-scale":2,"raw":"false","sample-rate":48000}"#,
        )
        .unwrap();
        assert_eq!((args.model.as_deref(), args.class.as_deref(), args.seed), (Some("drums"), Some("kick"), Some(7)));
        let mut set = args.set.clone();
        set.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(set, [("brightness".to_owned(), 0.5), ("loudness".to_owned(), 0.25)]);
        assert_eq!((args.level.loudness, args.guidance, args.sample_rate), (Some(-14.0), Some(2.0), Some(48_000)));
        assert!(!args.level.raw && parse(r#"{"model":"m","seed":1,"raw":true}"#).unwrap().level.raw);
    }

    #[test]
    fn a_list_in_a_list_is_a_flag_given_several_times() {
        let args = parse(r#"{"model":"m","seed":1,"set":["decay=0.1","attack=0.2"]}"#).unwrap();
        assert_eq!(args.set.len(), 2);
    }

    #[test]
    fn mistakes_are_one_line_and_name_the_key() {
        for (json, word) in [
            (r#"{"model":"m","seed":1,"clas":"kick"}"#, "class"),
            (r#"{"model":"m","seed":"x"}"#, "'--seed <SEED>'"),
            (r#"{"model":"m","seed":1,"steps":true}"#, "steps"),
            (r#"{"model":"m","seed":1,"count":3}"#, "range of seeds"),
            (r#"{"model":"m","seed":1,"raw":"maybe"}"#, "raw"),
            (r#"{"model":"m","seed":1,"class":{"a":1}}"#, "class"),
            (r#"{"model":"m"}"#, "no seed"),
            (r#"{"seed":1}"#, "no model"),
        ] {
            let error = format!("{:#}", parse(json).unwrap_err());
            assert!(error.contains(word) && error.lines().count() == 1, "{json}: {error}");
        }
    }
}
