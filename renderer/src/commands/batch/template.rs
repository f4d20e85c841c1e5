//! [`Template`]: names of files, `{class}_{seed:06}`.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use brownian_core::error::did_you_mean;
use brownian_core::generate::Recipe;
use serde_json::Value;

use super::group::Fields;
use crate::names::safe;

/// Fields of every clip, beside the keys of its row.
const FIELDS: [&str; 9] = ["model", "class", "seed", "pitch", "steps", "guidance", "duration", "index", "line"];
/// Longest part of a path, in bytes: leaves room for an extension and the mark of a file that is being made.
const MAX_LEN: usize = 200;

/// A name with fields. `{seed:06}` is a number of at least six digits, `{brightness:.2}` one of two decimals, `{{` a
/// brace; `/` leads into a folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Field { name: String, digits: usize, decimals: Option<usize> },
}

/// What the fields of a clip are filled from.
pub struct Clip<'a> {
    /// Everything that makes it.
    pub recipe: &'a Recipe,
    /// What its row says.
    pub fields: &'a Fields,
    /// Its number in the manifest, from 0.
    pub index: u64,
    /// Its row's line, from 1.
    pub line: u64,
}

impl Template {
    /// Read a template.
    ///
    /// # Errors
    /// A brace that is not closed, or a format that is none.
    pub fn new(text: &str) -> Result<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            parts.push(Part::Text(rest[..at].to_owned()));
            if let Some(after) = rest[at..].strip_prefix("{{").or(rest[at..].strip_prefix("}}")) {
                parts.push(Part::Text(rest[at..=at].to_owned()));
                rest = after;
                continue;
            }
            let field = rest[at + 1..].split_once('}').filter(|_| rest[at..].starts_with('{'));
            let (field, after) = field.with_context(|| format!("name {text:?}: a brace without its other half"))?;
            parts.push(Part::field(field).with_context(|| format!("name {text:?}, field {{{field}}}"))?);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The name of clips that nobody named: class (or model), seed, and what else differs between a row's clips.
    pub fn usual<'a>(varied: impl Iterator<Item = &'a str>, has_class: bool) -> Self {
        let plain = |name: &str| Part::Field { name: name.to_owned(), digits: 0, decimals: None };
        let kind = if has_class { "class" } else { "model" };
        let seed = Part::Field { name: "seed".to_owned(), digits: 6, decimals: None };
        let mut parts = vec![plain(kind), Part::Text("_".to_owned()), seed];
        for key in varied.filter(|key| !["class", "model", "seed"].contains(key)) {
            parts.extend([Part::Text("_".to_owned()), plain(key)]);
        }
        Self(parts)
    }

    /// The path of a clip's file, without an extension.
    ///
    /// # Errors
    /// A field that the clip does not have (with those that it has), a path that leads out of the folder, a name that
    /// is too long.
    pub fn path(&self, clip: &Clip<'_>) -> Result<PathBuf> {
        let mut path = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Field { name, digits, decimals } => {
                    let value = clip.value(name)?;
                    path.push_str(&filled(&value, *digits, *decimals));
                }
            }
        }
        for part in path.split('/') {
            ensure!(!part.is_empty() && !part.starts_with('.'), "name {path:?}: need a path inside the folder");
            ensure!(part.len() <= MAX_LEN, "name {path:?} is too long; need at most {MAX_LEN} bytes");
        }
        Ok(PathBuf::from(path))
    }
}

impl Part {
    /// `seed`, `seed:06`, `brightness:.2`
    fn field(text: &str) -> Result<Self> {
        let (name, format) = text.split_once(':').unwrap_or((text, ""));
        let (digits, decimals) =
            format.split_once('.').map_or((format, None), |(digits, places)| (digits, Some(places)));
        let number = |text: &str| text.parse().ok().filter(|&n| n <= 40);
        let digits = if digits.is_empty() { Some(0) } else { number(digits) };
        let decimals = decimals.map(number);
        match (digits, decimals) {
            (Some(digits), None) => Ok(Self::Field { name: name.replace('_', "-"), digits, decimals: None }),
            (Some(digits), Some(Some(places))) => {
                Ok(Self::Field { name: name.replace('_', "-"), digits, decimals: Some(places) })
            }
            _ => bail!("{format:?} is no format; need digits (06), decimals (.2) or both (06.2)"),
        }
    }
}

impl Clip<'_> {
    fn value(&self, name: &str) -> Result<Value> {
        let Recipe { model, class, seed, pitch, steps, guidance, duration_s, attributes, .. } = self.recipe;
        let value = match name {
            "model" => model.as_str().into(),
            "class" => class.as_deref().into(),
            "seed" => (*seed).into(),
            "pitch" => pitch.map(exactly).into(),
            "steps" => (*steps).into(),
            "guidance" => (*guidance).into(),
            "duration" => (*duration_s).into(),
            "index" => self.index.into(),
            "line" => self.line.into(),
            name => {
                let typed = self.fields.iter().find(|(key, _)| key == name || key.strip_prefix("set.") == Some(name));
                let attribute = || attributes.iter().find(|(attribute, _)| attribute.name() == name);
                let value = typed
                    .map(|(_, value)| value.clone())
                    .or_else(|| attribute().map(|(_, &value)| exactly(value).into()));
                value.with_context(|| self.unknown(name))?
            }
        };
        ensure!(!value.is_null(), "the name needs {name}, which this clip does not have");
        Ok(value)
    }

    fn unknown(&self, name: &str) -> String {
        let known: Vec<&str> = FIELDS.into_iter().chain(self.fields.iter().map(|(key, _)| key.as_str())).collect();
        let hint = did_you_mean(name, known.iter().copied());
        format!("the name has an unknown field {{{name}}}{hint}; known are {}", known.join(", "))
    }
}

/// The number that was typed: 0.3 and not 0.30000001.
fn exactly(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

/// Digits and decimals as wished; texts lose what a file's name cannot hold.
fn filled(value: &Value, digits: usize, decimals: Option<usize>) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let whole = text.parse::<u64>().ok().filter(|_| decimals.is_none());
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _ = match (whole, text.parse::<f64>().ok().filter(|x| x.is_finite()), decimals) {
        (Some(number), _, _) => write!(out, "{number:0digits$}"),
        (_, Some(real), Some(places)) => write!(out, "{real:0digits$.places$}"),
        (_, Some(real), None) => write!(out, "{real:0digits$}"),
        _ => write!(out, "{}", safe(&text)),
    };
    out
}

#[cfg(test)]
mod tests {
    use brownian_core::conditioning::Attribute;
    use brownian_core::diffusion::Sampler;

    use super::*;

    fn recipe() -> Recipe {
        let json = r#"{"version":1,"model":"drums","model_hash":"","seed":42,"class":"kick","steps":16,"sampler":"dpmpp-2m","guidance":1.5,"duration_s":0.743}"#;
        let recipe = Recipe::from_json(json).unwrap();
        assert_eq!(recipe.sampler, Sampler::DpmPp2m);
        Recipe { attributes: [(Attribute::Decay, 0.3)].into(), ..recipe }
    }

    fn path(template: &str) -> Result<String> {
        let fields = vec![("brightness".to_owned(), 0.8.into()), ("from".to_owned(), "../a b.wav".into())];
        let clip = Clip { recipe: &recipe(), fields: &fields, index: 3, line: 9 };
        Ok(Template::new(template)?.path(&clip)?.display().to_string())
    }

    #[test]
    fn fields_are_filled_in_the_wished_form() {
        for (template, want) in [
            ("{class}_{seed:06}", "kick_000042"),
            ("{model}/{class}/{index:02}", "drums/kick/03"),
            ("b{brightness:.2}-{decay}", "b0.80-0.3"),
            ("{{{seed}}}", "{42}"),
            ("{from}", "---a-b-wav"),
            ("{line:3}{guidance}", "0091.5"),
        ] {
            assert_eq!(path(template).unwrap(), want, "{template}");
        }
    }

    #[test]
    fn what_cannot_be_a_name_is_refused_and_the_field_is_named() {
        for (template, word) in [
            ("{clas}", "did you mean"),
            ("{pitch}", "does not have"),
            ("{seed", "brace"),
            ("seed}", "brace"),
            ("{seed:x}", "format"),
            ("../{seed}", "inside"),
            ("/{seed}", "inside"),
            ("", "inside"),
            ("{seed}/", "inside"),
        ] {
            let error = format!("{:#}", path(template).unwrap_err());
            assert!(error.contains(word), "{template}: {error}");
        }
        assert!(path(&"n".repeat(201)).unwrap_err().to_string().contains("too long"));
    }

    #[test]
    fn clips_that_nobody_named_differ_in_what_varies() {
        let template = Template::usual(["brightness", "class", "seed"].into_iter(), true);
        assert_eq!(template, Template::new("{class}_{seed:06}_{brightness}").map(drop_empty).unwrap());
    }

    fn drop_empty(template: Template) -> Template {
        Template(template.0.into_iter().filter(|part| *part != Part::Text(String::new())).collect())
    }
}
