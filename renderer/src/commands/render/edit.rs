//! How a sound departs from its seed's: what the flags mean.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use brownian_core::generate::{Edit, FileRecipe, Morph, MorphEnd, Request, Vary};

use crate::cli::{EditArgs, RenderArgs};

/// A morph where nobody says how far.
const HALFWAY: f64 = 0.5;

/// Put what the flags say of class and edits into `request`; what they leave alone stays.
///
/// # Errors
/// A flag that needs another, or what cannot be read.
pub fn apply(args: &RenderArgs, request: &mut Request) -> Result<()> {
    if let Some(class) = &args.class {
        (request.class, request.edit.class_mix) = classes(class)?;
    }
    let EditArgs { not_class, .. } = &args.edit;
    let edit = Edit {
        class_mix: request.edit.class_mix.clone(),
        not_class: not_class.clone().or(request.edit.not_class.clone()),
        vary: vary(&args.edit, request)?,
        morph: morph(&args.edit, request.edit.morph.clone())?,
    };
    request.edit = edit;
    Ok(())
}

/// `kick`, or `kick:0.6,tom:0.4`: the class, or the mix.
fn classes(text: &str) -> Result<(Option<String>, BTreeMap<String, f64>)> {
    if !text.contains([':', ',']) {
        return Ok((Some(text.to_owned()), BTreeMap::new()));
    }
    let part = |part: &str| {
        let (class, weight) = part.split_once(':')?;
        Some((class.trim().to_owned(), weight.trim().parse().ok()?))
    };
    let mix: Option<BTreeMap<String, f64>> = text.split(',').map(part).collect();
    Ok((None, mix.with_context(|| format!("--class {text}: need one class, or several as kick:0.6,tom:0.4"))?))
}

fn vary(args: &EditArgs, request: &Request) -> Result<Option<Vary>> {
    let from = request.edit.vary;
    let Some(amount) = args.vary.or(from.map(|vary| vary.amount)) else {
        return match args.vary_seed {
            Some(seed) => bail!("--vary-seed {seed} needs --vary, how far to go from the sound itself (0..1)"),
            None => Ok(None),
        };
    };
    // The seed after the last is the first.
    let seed = args.vary_seed.or(from.map(|vary| vary.seed)).unwrap_or(request.seed.wrapping_add(1));
    Ok(Some(Vary { seed, amount }))
}

fn morph(args: &EditArgs, from: Option<Morph>) -> Result<Option<Morph>> {
    let to = args.morph.as_deref().map(morph_end).transpose()?.or(from.as_ref().map(|morph| morph.to.clone()));
    match (to, args.amount) {
        (None, Some(amount)) => bail!("--amount {amount} needs --morph, the sound to go to (a seed or a file)"),
        (None, None) => Ok(None),
        (Some(to), amount) => {
            Ok(Some(Morph { to, amount: amount.or(from.map(|morph| morph.amount)).unwrap_or(HALFWAY) }))
        }
    }
}

fn morph_end(text: &str) -> Result<MorphEnd> {
    if let Ok(seed) = text.parse() {
        return Ok(MorphEnd::Seed(seed));
    }
    let file = FileRecipe::read(Path::new(text)).context("--morph needs a seed, or a file that Brownian wrote")?;
    Ok(MorphEnd::Recipe(Box::new(file.recipe)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_class_is_a_class_and_several_are_a_mix() {
        assert_eq!(classes("kick").unwrap(), (Some("kick".into()), BTreeMap::new()));
        let mix = BTreeMap::from([("kick".to_owned(), 0.6), ("tom".to_owned(), 0.4)]);
        assert_eq!(classes("kick:0.6, tom:0.4").unwrap(), (None, mix));
        for wrong in ["kick,tom", "kick:", "kick:much", "kick:1,"] {
            assert!(classes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_flag_without_the_one_that_it_is_for_is_refused() {
        let args = EditArgs { vary_seed: Some(1), ..EditArgs::default() };
        assert!(vary(&args, &Request::default()).unwrap_err().to_string().contains("--vary"));
        let args = EditArgs { amount: Some(0.5), ..EditArgs::default() };
        assert!(morph(&args, None).unwrap_err().to_string().contains("--morph"));
    }
}
