//! How a sound departs from its seed's: what the flags mean.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use brownian_core::generate::{Edit, FileRecipe, Init, Inpaint, Morph, MorphEnd, Request, SoundFile, Vary};

use crate::cli::{EditArgs, RenderArgs};

/// A morph where nobody says how far.
const HALFWAY: f64 = 0.5;
/// A variation of a file where nobody says how far.
const NOISE_LEVEL: f64 = 0.5;

/// Put what the flags say of class and edits into `request`, for the model of this hash; what they leave alone stays.
///
/// # Errors
/// A flag that needs another.
pub fn apply(args: &RenderArgs, model_hash: &str, request: &mut Request) -> Result<()> {
    if let Some(class) = &args.class {
        (request.class, request.edit.class_mix) = classes(class)?;
    }
    let EditArgs { not_class, .. } = &args.edit;
    let edit = Edit {
        class_mix: request.edit.class_mix.clone(),
        not_class: not_class.clone().or(request.edit.not_class.clone()),
        vary: vary(&args.edit, request)?,
        morph: morph(&args.edit, model_hash, request.edit.morph.clone())?,
        init: init(&args.edit, request.edit.init.clone())?,
        inpaint: inpaint(&args.edit, request.edit.inpaint.clone())?,
        continues: args.edit.continues.as_ref().map(SoundFile::new).or(request.edit.continues.clone()),
        width: args.edit.width.or(request.edit.width),
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

fn morph(args: &EditArgs, model_hash: &str, kept: Option<Morph>) -> Result<Option<Morph>> {
    let amount = args.amount.or(kept.as_ref().map(|morph| morph.amount)).unwrap_or(HALFWAY);
    match (args.morph.as_slice(), kept) {
        ([], None) => match args.amount {
            Some(amount) => bail!("--amount {amount} needs --morph, the sound to go to (a seed or a file)"),
            None => Ok(None),
        },
        ([], Some(kept)) => Ok(Some(Morph { amount, ..kept })),
        ([to], _) => Ok(Some(Morph { from: None, to: morph_end(to, model_hash), amount })),
        ([from, to], _) => Ok(Some(Morph { from: Some(SoundFile::new(from)), to: morph_end(to, model_hash), amount })),
        (more, _) => bail!("--morph is given {} times; need the sound to go to, or two files", more.len()),
    }
}

/// A seed, or a file: by its recipe where that is of this model and has noise of its own, else by its sound.
fn morph_end(text: &str, model_hash: &str) -> MorphEnd {
    if let Ok(seed) = text.parse() {
        return MorphEnd::Seed(seed);
    }
    let recipe = FileRecipe::read(Path::new(text)).ok().map(|file| file.recipe);
    let is_noise = |edit: &Edit| edit.init.is_none() && edit.inpaint.is_none();
    match recipe.filter(|recipe| recipe.model_hash == model_hash && is_noise(&recipe.edit)) {
        Some(recipe) => MorphEnd::Recipe(Box::new(recipe)),
        None => MorphEnd::File(SoundFile::new(text)),
    }
}

fn init(args: &EditArgs, kept: Option<Init>) -> Result<Option<Init>> {
    let level = args.init_noise_level;
    let file = args.init_audio.as_ref().map(SoundFile::new).or(kept.as_ref().map(|init| init.file.clone()));
    let Some(file) = file else {
        ensure!(level.is_none(), "--init-noise-level needs --init-audio, the file to start from");
        return Ok(None);
    };
    let noise_level = level.or(kept.map(|init| init.noise_level)).unwrap_or(NOISE_LEVEL);
    Ok(Some(Init { file, noise_level }))
}

fn inpaint(args: &EditArgs, kept: Option<Inpaint>) -> Result<Option<Inpaint>> {
    let file = args.inpaint.as_ref().map(SoundFile::new).or(kept.as_ref().map(|inpaint| inpaint.file.clone()));
    let Some(file) = file else {
        ensure!(args.mask.is_empty(), "--mask needs --inpaint, the file that it is a part of");
        return Ok(None);
    };
    let kept = kept.map(|inpaint| inpaint.masks).filter(|_| args.mask.is_empty());
    Ok(Some(Inpaint { file, masks: kept.unwrap_or(args.mask.clone()) }))
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
        assert!(morph(&args, "", None).unwrap_err().to_string().contains("--morph"));
        let args = EditArgs { init_noise_level: Some(0.5), ..EditArgs::default() };
        assert!(init(&args, None).unwrap_err().to_string().contains("--init-audio"));
        let args = EditArgs { mask: vec![[0.0, 1.0]], ..EditArgs::default() };
        assert!(inpaint(&args, None).unwrap_err().to_string().contains("--inpaint"));
    }
}
