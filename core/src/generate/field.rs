//! The noise that a sound begins as, and what lies between two of them.

use super::drift::Drift;
use super::edit::{Edit, Morph, MorphEnd};
use super::recipe::Recipe;
use super::sound_file::SoundFile;
use crate::error::Result;
use crate::noise::{NoiseStream, Seed};

/// Where the noise of a stage comes from.
pub(super) struct Fields<'a> {
    /// The name of the stage's streams.
    pub purpose: &'a str,
    /// The number of its streams: the take.
    pub take: u64,
    /// Values of a field.
    pub len: usize,
    /// Of each frame.
    pub num_channels: usize,
    /// What is done to noise; what a file is found to begin as stays.
    pub drift: Drift,
    /// The noise that the stage makes a file's sound of, under what this recipe says of class and attributes.
    pub invert: &'a dyn Fn(&SoundFile, &Recipe) -> Result<Vec<f32>>,
}

impl Fields<'_> {
    /// The field, about standard normal where it does not drift, that this recipe's sound begins as.
    ///
    /// # Errors
    /// As [`Fields::invert`].
    pub(super) fn of(&self, recipe: &Recipe) -> Result<Vec<f32>> {
        match &recipe.edit.morph {
            None => self.varied(recipe),
            Some(morph) => slerp(morph.amount, || self.start(recipe, morph), || self.end(recipe, morph)),
        }
    }

    fn varied(&self, recipe: &Recipe) -> Result<Vec<f32>> {
        match &recipe.edit.vary {
            None => self.of_seed(recipe.seed),
            Some(vary) => slerp(vary.amount, || self.of_seed(recipe.seed), || self.of_seed(vary.seed)),
        }
    }

    fn start(&self, recipe: &Recipe, morph: &Morph) -> Result<Vec<f32>> {
        match &morph.from {
            Some(file) => (self.invert)(file, recipe),
            None => self.varied(recipe),
        }
    }

    fn end(&self, recipe: &Recipe, morph: &Morph) -> Result<Vec<f32>> {
        match &morph.to {
            MorphEnd::Seed(seed) => self.of_seed(*seed),
            MorphEnd::Recipe(other) => self.of(other),
            MorphEnd::File(file) => (self.invert)(file, recipe),
        }
    }

    /// What this seed begins as.
    fn of_seed(&self, seed: u64) -> Result<Vec<f32>> {
        Ok(self.noise(seed, self.purpose))
    }

    /// Standard normal noise of the streams called `purpose`, white where it does not drift.
    pub(super) fn noise(&self, seed: u64, purpose: &str) -> Vec<f32> {
        let mut field = vec![0.0; self.len];
        NoiseStream::new(Seed(seed), purpose, self.take).fill_normal(&mut field);
        self.drift.filter(&mut field, self.num_channels);
        field
    }
}

/// Turn a field by this share of a right angle, towards `noise`: as strong as before, and a field like any other.
pub(super) fn turn(field: &mut [f32], share: f64, noise: impl IntoIterator<Item = f32>) {
    let (sin, cos) = libm::sincos(share * std::f64::consts::FRAC_PI_2);
    let (sin, cos) = (sin as f32, cos as f32);
    field.iter_mut().zip(noise).for_each(|(value, noise)| *value = cos * *value + sin * noise);
}

/// What a stream is called where the noise is turned: a side has streams of its own.
pub(super) fn of_side(purpose: &str, share: f64) -> String {
    if share > 0.0 { format!("{purpose} side") } else { purpose.to_owned() }
}

/// The files that [`Fields::of`] inverts for a recipe, each with the recipe under which it does.
pub(super) fn inverted_files(recipe: &Recipe) -> Vec<(&SoundFile, &Recipe)> {
    let Some(morph) = &recipe.edit.morph else { return Vec::new() };
    let from = morph.from.iter().filter(|_| morph.amount < 1.0);
    let to = match &morph.to {
        _ if morph.amount <= 0.0 => Vec::new(),
        MorphEnd::Seed(_) => Vec::new(),
        MorphEnd::Recipe(other) => inverted_files(other),
        MorphEnd::File(file) => vec![(file, recipe)],
    };
    from.map(|file| (file, recipe)).chain(to).collect()
}

/// The seed whose phases fill cells that no frame determines: that of the nearest sound.
pub(super) fn phase_seed(recipe: &Recipe) -> u64 {
    let Edit { vary, morph, .. } = &recipe.edit;
    match (morph, vary) {
        (Some(morph), _) if morph.amount > 0.5 => match &morph.to {
            MorphEnd::Seed(seed) => *seed,
            MorphEnd::Recipe(other) => phase_seed(other),
            MorphEnd::File(_) => recipe.seed,
        },
        (_, Some(vary)) if vary.amount > 0.5 => vary.seed,
        _ => recipe.seed,
    }
}

/// `amount` (0..=1) of the way from `a` to `b` along the great circle between them (Shoemake 1985): as strong all the
/// way, where a straight line would be weaker in the middle. The ends are `a` and `b` themselves.
fn slerp(amount: f64, a: impl FnOnce() -> Result<Vec<f32>>, b: impl FnOnce() -> Result<Vec<f32>>) -> Result<Vec<f32>> {
    if amount <= 0.0 {
        return a();
    }
    if amount >= 1.0 {
        return b();
    }
    let (a, b) = (a()?, b()?);
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    let cosine = dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt().max(f64::MIN_POSITIVE);
    // Libm: the same on every platform.
    let angle = libm::acos(cosine.clamp(-1.0, 1.0));
    let sine = libm::sin(angle);
    // Of (nearly) parallel fields the great circle is the line; opposite ones have none of their own.
    let is_line = sine < 1e-6;
    let share = |amount: f64| if is_line { amount } else { libm::sin(amount * angle) / sine };
    let (of_a, of_b) = (share(1.0 - amount), share(amount));
    Ok(a.iter().zip(&b).map(|(&a, &b)| (of_a * f64::from(a) + of_b * f64::from(b)) as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn white(seed: u64, purpose: &str, len: usize) -> Vec<f32> {
        let drift = Drift::default();
        Fields { purpose, take: 0, len, num_channels: 1, drift, invert: &|_, _| Ok(Vec::new()) }.noise(seed, purpose)
    }

    fn between(a: &[f32], amount: f64, b: &[f32]) -> Vec<f32> {
        slerp(amount, || Ok(a.to_vec()), || Ok(b.to_vec())).unwrap()
    }

    fn power(field: &[f32]) -> f64 {
        field.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() / field.len() as f64
    }

    #[test]
    fn stages_and_seeds_begin_as_different_white_noise() {
        let fine = white(1, "fine", 4096);
        // Five standard errors of a variance over 4,096 normals: 5 sqrt(2 / 4096) = 11 %.
        assert!((power(&fine) - 1.0).abs() < 0.11);
        assert_ne!(fine, white(1, "envelope", 4096));
        assert_ne!(fine, white(2, "fine", 4096));
    }

    #[test]
    fn the_way_between_two_fields_keeps_their_power_and_ends_in_them() {
        let (a, b) = (white(1, "fine", 4096), white(2, "fine", 4096));
        let at = |amount| between(&a, amount, &b);
        for amount in [0.1, 0.25, 0.5, 0.9] {
            // The powers of the ends differ by a few percent themselves.
            assert!((power(&at(amount)) - 1.0).abs() < 0.11, "{amount}");
        }
        assert_eq!((at(0.0), at(1.0)), (a.clone(), b.clone()));
    }

    #[test]
    fn equal_steps_are_equal_angles() {
        let (a, b) = (white(1, "fine", 4096), white(2, "fine", 4096));
        let angle = |x: &[f32], y: &[f32]| {
            let dot: f64 = x.iter().zip(y).map(|(x, y)| f64::from(x * y)).sum();
            (dot / 4096.0 / (power(x) * power(y)).sqrt()).acos()
        };
        let third = between(&a, 1.0 / 3.0, &b);
        // Exact but where the two are not equally strong (2 % here).
        assert!((angle(&a, &third) / angle(&a, &b) - 1.0 / 3.0).abs() < 0.01);
    }

    #[test]
    fn a_field_on_the_way_to_itself_stays() {
        let a = white(1, "fine", 64);
        let same = between(&a, 0.3, &a);
        assert!(a.iter().zip(&same).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
