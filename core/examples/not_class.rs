//! What a negative class does: how many sounds of one class are told as another, with guidance away from it and without.
//!
//! ```text
//! cargo run --release -p brownian-core --example not_class -- [CLASS [AWAY [SOUNDS]]]
//! ```
//!
//! CLASS (perc) and AWAY (closed-hat) are classes of `drums`. A sound is told by the five nearest of 32 sounds of every
//! class that the model made with its own settings (seeds 1001 to 1032), by their log-mel spectra. SOUNDS (64) are made of
//! CLASS, seeds 1 and on, at 8 steps. Prints one JSON object for each guidance.

use std::sync::Arc;

use brownian_core::Result;
use brownian_core::generate::{Cancel, Edit, Request, Session, device};
use brownian_core::metrics::{knn_accuracy, log_mel_features};
use brownian_core::model::Registry;
use serde_json::json;

/// The log-mel features of these sounds, at peak 1.
fn features(session: &Session, requests: &[Request]) -> Result<Vec<Vec<f32>>> {
    let rate = session.model().card.config.sample_rate;
    let rendered = session.render_many(requests, &Cancel::default(), &|_, _| ());
    let feature = |rendered: Result<brownian_core::generate::Rendered>| {
        let clip = rendered?.clip;
        let gain = clip.peak().max(1e-9).recip();
        let samples: Vec<f32> = clip.channels()[0].iter().map(|sample| sample * gain).collect();
        Ok(log_mel_features(&samples, rate))
    };
    rendered.into_iter().map(feature).collect()
}

fn requests(class: &str, seeds: std::ops::Range<u64>) -> Vec<Request> {
    let request = |seed| Request { seed, class: Some(class.into()), steps: Some(8), ..Request::default() };
    seeds.map(request).collect()
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize, usual: &str| arguments.get(at).cloned().unwrap_or_else(|| usual.to_owned());
    let (class, away) = (argument(0, "perc"), argument(1, "closed-hat"));
    let num_sounds = argument(2, "64").parse().unwrap_or(64);
    let model = Registry::new(None).open("drums", &device("cpu")?)?;
    let session = Session::new(Arc::new(model), 0)?;
    let classes = session.model().card.config.classes.clone();
    let known: Vec<Request> = classes.iter().flat_map(|class| requests(class, 1001..1033)).collect();
    let labels: Vec<usize> = (0..classes.len()).flat_map(|label| [label; 32]).collect();
    let known = features(&session, &known)?;
    for guidance in [2.0, 4.0] {
        let told = |not_class: Option<String>| -> Result<_> {
            let mut asked = requests(&class, 1..1 + num_sounds);
            for request in &mut asked {
                request.guidance = Some(guidance);
                request.edit = Edit { not_class: not_class.clone(), ..Edit::default() };
            }
            let found = features(&session, &asked)?;
            let share = |name: &str| {
                let label = classes.iter().position(|known| known == name)?;
                knn_accuracy(&found, &vec![label; found.len()], &known, &labels, 5)
            };
            Ok(json!({ &class: share(&class), &away: share(&away) }))
        };
        println!("{}", json!({ "guidance": guidance, "without": told(None)?, "away": told(Some(away.clone()))? }));
    }
    Ok(())
}
