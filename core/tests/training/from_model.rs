//! Trainings that begin from a model: on other sounds, and as its student.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use brownian_core::dataset::Dataset;
use brownian_core::diffusion::Sampler;
use brownian_core::generate::{Cancel, Request, Session};
use brownian_core::metrics::log_spectral_distance_db;
use brownian_core::model::{Model, Registry, StageSampling, StoredModel};
use brownian_core::train::{Consistency, Hardware, Learns, Limit, Objective, TrainConfig, Trainer};
use candle_core::Device;

use crate::toy::{SAMPLE_RATE, config, identity, train, write_sounds};

/// A toy model trained in `root/teacher`, and the folder of its sounds.
fn teacher(root: &Path, steps: u64) -> (StoredModel, PathBuf) {
    let sounds = root.join("sounds");
    write_sounds(&sounds);
    let config = config(true);
    let dataset = Dataset::scan(&sounds, &config.dataset).expect("usable sounds");
    let mut trainer =
        Trainer::begin(&root.join("teacher"), config, identity(), &dataset, &Hardware::cpu(2)).expect("sound settings");
    train(&mut trainer, steps, &Cancel::default(), None);
    (stored(&trainer), sounds)
}

fn stored(trainer: &Trainer) -> StoredModel {
    Registry::new(None).stored(trainer.files().model().to_str().expect("a path in UTF-8")).expect("a model")
}

fn session(path: &Path) -> Session {
    Session::new(Arc::new(Model::load(path, &Device::Cpu).expect("a model")), 2).expect("threads")
}

/// How far apart, in dB, the clips of two sessions are, over a few seeds.
fn distance(a: (&Session, usize), b: (&Session, usize)) -> f64 {
    let clip = |(session, steps): (&Session, usize), seed| {
        let request = Request {
            seed,
            steps: Some(steps),
            sampler: Some(Sampler::Euler),
            class: Some("low".into()),
            ..Request::default()
        };
        let rendered = session.render(&request, &Cancel::default(), &|_, _| {}).expect("a clip");
        rendered.clip.channels()[0].clone()
    };
    let distances = (1..=6).map(|seed| log_spectral_distance_db(&clip(a, seed), &clip(b, seed), SAMPLE_RATE));
    distances.sum::<f64>() / 6.0
}

#[test]
fn a_student_sees_in_one_step_what_its_teacher_sees_in_sixteen() {
    let root = tempfile::tempdir().expect("a temp folder");
    let (model, sounds) = teacher(root.path(), 250);
    let mut config = config(true);
    config.objective = Objective::Consistency(Consistency::default());
    config.optimizer.learning_rate = 2e-3;
    let dataset = Dataset::scan(&sounds, &config.dataset).expect("usable sounds");
    let folder = root.path().join("student");
    let begin = Trainer::begin_from(&folder, config, identity(), &dataset, &Hardware::cpu(2), Some(&model));
    let mut student = begin.expect("the teacher's settings");
    train(&mut student, 100, &Cancel::default(), None);
    // The teacher comes back with the checkpoint.
    drop(student);
    let mut student = Trainer::resume(&folder, &dataset, &Hardware::cpu(2)).expect("a checkpoint");
    train(&mut student, 200, &Cancel::default(), None);
    let of_student = session(&student.files().model());
    let of_teacher = session(&root.path().join("teacher/model.safetensors"));
    let (ours, teachers) =
        (distance((&of_student, 1), (&of_teacher, 16)), distance((&of_teacher, 1), (&of_teacher, 16)));
    assert!(ours < 0.8 * teachers, "one step: student {ours:.2} dB, teacher {teachers:.2} dB");
}

#[test]
fn a_training_from_a_model_begins_with_its_sounds_and_knows_the_classes_it_knew() {
    let root = tempfile::tempdir().expect("a temp folder");
    let (model, sounds) = teacher(root.path(), 60);
    std::fs::rename(sounds.join("noise"), sounds.join("air")).expect("a folder of ours");
    let (of_model, mut sizes) = (session(&root.path().join("teacher/model.safetensors")), Vec::new());
    for strides in [vec![], vec![2, 4]] {
        let mut wish = TrainConfig { ema_decay: 0.0, ..TrainConfig::default() };
        wish.unet.head.as_mut().expect("the default has a head").reaches.clone_from(&strides);
        let config = wish.following(&model.card);
        let dataset = Dataset::scan(&sounds, &config.dataset).expect("usable sounds");
        assert_eq!(dataset.classes, ["air", "low"]);
        let folder = root.path().join(format!("tuned-{}", strides.len()));
        let begin = Trainer::begin_from(&folder, config, identity(), &dataset, &Hardware::cpu(1), Some(&model));
        let mut tuned = begin.expect("the model's settings");
        // Of the learning rate's warm-up one step is next to nothing.
        tuned.run(Limit::Steps(1), &Cancel::default(), &mut |_| {}).expect("a step");
        let apart = distance((&of_model, 4), (&session(&tuned.files().model()), 4));
        assert!(apart < 1.0, "{apart} dB with strides {strides:?}");
        sizes.push(tuned.num_parameters());
    }
    assert!(sizes[1] > sizes[0], "{sizes:?}: no block was added");
}

#[test]
fn an_envelope_stage_learns_alone_and_may_have_other_widths() {
    let root = tempfile::tempdir().expect("a temp folder");
    let (model, sounds) = teacher(root.path(), 60);
    for widths in [[16, 24], [24, 32]] {
        let mut wish = TrainConfig { learns: Learns::Envelope, ..config(true) };
        let stage = wish.envelope.as_mut().expect("two stages");
        stage.unet.widths = widths.to_vec();
        let config = wish.following(&model.card);
        let dataset = Dataset::scan(&sounds, &config.dataset).expect("usable sounds");
        let folder = root.path().join(format!("alone-{}", widths[0]));
        let begin = Trainer::begin_from(&folder, config, identity(), &dataset, &Hardware::cpu(2), Some(&model));
        let mut alone = begin.expect("the model's settings but for the envelope stage's");
        let losses = train(&mut alone, 150, &Cancel::default(), None);
        assert!(losses.iter().all(|(_, fine, envelope)| *fine == 0.0 && *envelope > 0.0));
        let mut alone = Trainer::resume(&folder, &dataset, &Hardware::cpu(2)).expect("a checkpoint");
        let summary = alone.run(Limit::Steps(200), &Cancel::default(), &mut |_| {}).expect("it goes on");
        let held_out = summary.held_out.expect("measured at step 200");
        assert!(held_out.fine.is_none() && held_out.envelope.is_some_and(|losses| losses[2] < 0.92), "{held_out:?}");
        let after = stored(&alone);
        let values = |model: &StoredModel, name: &str| -> Vec<f32> {
            model.tensors[name].flatten_all().and_then(|tensor| tensor.to_vec1()).expect("numbers")
        };
        let (fine, others): (Vec<_>, Vec<_>) = after.tensors.keys().partition(|name| name.starts_with("fine."));
        assert!(fine.iter().all(|name| values(&model, name) == values(&after, name)), "the fine stage changed");
        let is_new = |name: &&&String| name.starts_with("envelope.") && values(&after, name) != values(&model, name);
        assert!(others.iter().filter(is_new).count() > 10, "the envelope stage did not change");
        let clip = session(&alone.files().model());
        assert!(distance((&clip, 4), (&clip, 8)).is_finite());
    }
}

#[test]
fn a_student_can_keep_its_teachers_envelope_stage_and_its_steps() {
    let root = tempfile::tempdir().expect("a temp folder");
    let (model, sounds) = teacher(root.path(), 60);
    let objective = Objective::Consistency(Consistency::default());
    let mut config = TrainConfig { learns: Learns::Fine, objective, ..config(true) }.following(&model.card);
    let eight = StageSampling { sampler: Sampler::DpmPp2m, steps: 8, guidance: 1.0 };
    config.envelope.as_mut().expect("two stages").sampling = Some(eight);
    let dataset = Dataset::scan(&sounds, &config.dataset).expect("usable sounds");
    let folder = root.path().join("student");
    let begin = Trainer::begin_from(&folder, config, identity(), &dataset, &Hardware::cpu(2), Some(&model));
    let mut student = begin.expect("the teacher's settings");
    let losses = train(&mut student, 20, &Cancel::default(), None);
    assert!(losses.iter().all(|(_, fine, envelope)| *fine > 0.0 && *envelope == 0.0));
    let after = stored(&student);
    let values = |model: &StoredModel, name: &str| -> Vec<f32> {
        model.tensors[name].flatten_all().and_then(|tensor| tensor.to_vec1()).expect("numbers")
    };
    let is_same = |name: &&String| values(&model, name) == values(&after, name);
    let (envelope, others): (Vec<_>, Vec<_>) = after.tensors.keys().partition(|name| name.starts_with("envelope."));
    assert!(envelope.iter().all(is_same), "the envelope stage changed");
    assert!(others.iter().filter(|name| name.starts_with("fine.") && !is_same(name)).count() > 10, "nothing learnt");
    // Its levels come in eight steps whatever is asked of the rest, and every call is told.
    let session = session(&student.files().model());
    for (steps, calls) in [(1, 9), (4, 12)] {
        let told = std::sync::Mutex::new(Vec::new());
        let on_step = |done, total| told.lock().expect("no thread panics").push((done, total));
        let request = Request {
            class: Some("low".into()),
            steps: Some(steps),
            sampler: Some(Sampler::Euler),
            ..Request::default()
        };
        session.render(&request, &Cancel::default(), &on_step).expect("a clip");
        assert_eq!(told.into_inner().expect("no thread panics").last(), Some(&(calls, calls)));
    }
}

#[test]
fn what_cannot_begin_from_a_model_says_why() {
    let root = tempfile::tempdir().expect("a temp folder");
    let (model, sounds) = teacher(root.path(), 1);
    let begin = |name: &str, config: TrainConfig, model: Option<&StoredModel>| {
        let dataset = Dataset::scan(&sounds, &config.dataset).expect("usable sounds");
        let result =
            Trainer::begin_from(&root.path().join(name), config, identity(), &dataset, &Hardware::cpu(1), model);
        result.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let student = || TrainConfig { objective: Objective::Consistency(Consistency::default()), ..config(true) };
    assert!(begin("a", student(), None).contains("needs a model to distil"));
    let alone = || TrainConfig { learns: Learns::Envelope, ..config(true) };
    assert!(begin("d", alone(), None).contains("name it with --from"));
    let one_stage = TrainConfig { envelope: None, ..alone() };
    assert!(begin("e", one_stage, Some(&model)).contains("learns is one stage alone; need an envelope stage"));
    assert!(begin("b", config(false), Some(&model)).contains("other networks"));
    std::fs::rename(sounds.join("noise"), sounds.join("air")).expect("a folder of ours");
    assert!(begin("c", student(), Some(&model)).contains("the folder's classes are air, low"));
}
