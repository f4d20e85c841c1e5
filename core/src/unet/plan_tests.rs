//! A network as a plan against the same network on candle's tape.

use candle_core::{Device, Tensor};

use super::*;
use crate::nn::{Plan, Recording};
use crate::noise::{NoiseStream, Seed};

pub(super) const EMBEDDING: usize = 16;

pub(super) fn random(shape: &[usize], index: u64) -> Tensor {
    let mut values = vec![0.0; shape.iter().product()];
    NoiseStream::new(Seed(2), "plan test", index).fill_normal(&mut values);
    Tensor::from_vec(values, shape, &Device::Cpu).expect("as many values as the shape has")
}

pub(super) fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Networks that have every kind of layer between them: with and without head and context, odd lengths, loops.
pub(super) fn networks() -> Vec<(UnetConfig, FrameShape)> {
    let head = |widths: &[usize], strides: &[usize]| HeadConfig {
        patch_frames: 2,
        patch_bins: 2,
        widths: widths.to_vec(),
        blocks: 1,
        merge: 4,
        strides: Vec::new(),
        reaches: strides.to_vec(),
    };
    let unet = |widths: &[usize], circular: bool, head: Option<HeadConfig>| UnetConfig {
        widths: widths.to_vec(),
        blocks: 1,
        attention_levels: 1,
        embedding: EMBEDDING,
        circular,
        head,
    };
    vec![
        (unet(&[16, 24], false, None), FrameShape { frames: 13, channels: 16, has_context: true, circle: None }),
        (unet(&[40, 16, 24], true, None), FrameShape { frames: 12, channels: 6, has_context: false, circle: None }),
        (
            unet(&[16, 24], false, Some(head(&[8, 16], &[]))),
            FrameShape { frames: 14, channels: 16, has_context: true, circle: None },
        ),
        (
            unet(&[16, 24], false, Some(head(&[8, 16], &[2, 4]))),
            FrameShape { frames: 16, channels: 16, has_context: true, circle: None },
        ),
        // A circle of five patches, which the stride does not divide.
        (
            unet(&[16], true, Some(head(&[24, 16], &[4]))),
            FrameShape { frames: 10, channels: 16, has_context: false, circle: None },
        ),
        (
            unet(&[16], true, Some(head(&[24], &[3]))),
            FrameShape { frames: 6, channels: 44, has_context: false, circle: None },
        ),
    ]
}

/// A network with nothing at zero, where a zero would hide what lies behind it.
pub(super) fn build(config: &UnetConfig, shape: FrameShape) -> (Unet, Weights) {
    let weights = Weights::fresh(Seed(1), &Device::Cpu);
    let unet = Unet::new(config, shape, &weights).unwrap();
    for (i, var) in weights.vars().values().enumerate() {
        var.set(&(random(var.dims(), 100 + i as u64) * 0.3).unwrap()).unwrap();
    }
    (unet, weights)
}

pub(super) fn plan(unet: &Unet, shape: FrameShape, trains: bool) -> Plan {
    let recording = Recording::new();
    let embedding = Value::Node(recording.input(&[EMBEDDING], false));
    let frames = [shape.frames, shape.channels];
    let x = Value::Node(recording.input(&frames, true));
    let context = shape.has_context.then(|| Value::Node(recording.input(&frames, true)));
    Plan::new(&recording, &unet.forward(&x, context.as_ref(), &embedding).unwrap(), trains).unwrap()
}

fn assert_close(got: &[f32], expected: &[f32], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    for (a, b) in got.iter().zip(expected) {
        // Sums of some hundred terms in f32, through a dozen layers.
        assert!((a - b).abs() <= 1e-4 * (largest + 1e-3), "{what}: {a} {b}, largest {largest}");
    }
}

#[test]
fn a_plan_computes_what_the_tape_does_with_any_number_of_threads() {
    for (config, shape) in networks() {
        let (unet, _) = build(&config, shape);
        let plan = plan(&unet, shape, false);
        let (x, context) =
            (random(&[3, shape.frames, shape.channels], 0), random(&[3, shape.frames, shape.channels], 1));
        let embedding = random(&[3, EMBEDDING], 2);
        let seen = shape.has_context.then(|| Value::from(context.clone()));
        let expected = unet.forward(&x.clone().into(), seen.as_ref(), &embedding.clone().into()).unwrap();
        let expected = flat(expected.tensor().unwrap());
        let (x, context, embedding) = (flat(&x), flat(&context), flat(&embedding));
        let clip = shape.frames * shape.channels;
        let mut outputs = Vec::new();
        for threads in [1, 2] {
            // Clip by clip, each with its own row of what is known beforehand.
            let mut workspace = plan.workspace(1, 3);
            plan.prepare(&mut workspace, 0..3, &[&embedding]);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let output = pool.install(|| {
                plan.run(&mut workspace, threads, |runner| {
                    let mut all = Vec::new();
                    for (row, (x, context)) in x.chunks_exact(clip).zip(context.chunks_exact(clip)).enumerate() {
                        let frames = if shape.has_context { vec![x, context] } else { vec![x] };
                        all.extend_from_slice(runner.forward(row, &frames));
                    }
                    all
                })
            });
            assert_close(&output, &expected, &format!("{config:?}, {threads} threads"));
            outputs.push(output);
        }
        assert_eq!(outputs[0], outputs[1], "{config:?}");
    }
}

#[test]
fn a_plan_has_the_gradients_of_the_tape() {
    for (config, shape) in networks() {
        let (unet, weights) = build(&config, shape);
        let plan = plan(&unet, shape, true);
        let frames = [3, shape.frames, shape.channels];
        let (x, context, direction) = (random(&frames, 0), random(&frames, 1), random(&frames, 3));
        let embedding = random(&[3, EMBEDDING], 2);
        let seen = shape.has_context.then(|| Value::from(context.clone()));
        let y = unet.forward(&x.clone().into(), seen.as_ref(), &embedding.clone().into()).unwrap();
        let expected = (y.tensor().unwrap() * &direction).unwrap().sum_all().unwrap().backward().unwrap();

        let mut workspace = plan.workspace(3, 3);
        plan.prepare(&mut workspace, 0..3, &[&flat(&embedding)]);
        let (x, context) = (flat(&x), flat(&context));
        let frames = if shape.has_context { vec![&x[..], &context[..]] } else { vec![&x[..]] };
        let y_plan = plan.run(&mut workspace, 1, |runner| runner.forward(0, &frames).to_vec());
        assert_close(&y_plan, &flat(y.tensor().unwrap()), &format!("{config:?}: output"));
        let mut gradients = vec![0.0; plan.num_parameters()];
        workspace.backward(&plan, &flat(&direction), &mut gradients);
        let vars = weights.vars();
        assert_eq!(plan.parameters().len(), vars.len(), "every parameter has its place");
        for (name, var) in vars {
            let idx = plan.parameters().iter().position(|p| p.id() == var.as_tensor().id()).unwrap();
            let expected = flat(expected.get(var.as_tensor()).unwrap());
            assert_close(&gradients[plan.gradient_range(idx)], &expected, &format!("{config:?}: {name}"));
        }
    }
}

#[test]
fn a_plan_has_the_gradients_of_finite_differences() {
    for (config, shape) in networks() {
        let (unet, weights) = build(&config, shape);
        let mut plan = plan(&unet, shape, true);
        let frames = [2, shape.frames, shape.channels];
        let (x, context, target) = (flat(&random(&frames, 0)), flat(&random(&frames, 1)), flat(&random(&frames, 3)));
        let embedding = flat(&random(&[2, EMBEDDING], 2));
        let frames = if shape.has_context { vec![&x[..], &context[..]] } else { vec![&x[..]] };
        let mut workspace = plan.workspace(2, 2);
        let output = |plan: &Plan, workspace: &mut crate::nn::Workspace| {
            plan.prepare(workspace, 0..2, &[&embedding]);
            plan.run(workspace, 1, |runner| runner.forward(0, &frames).to_vec())
        };
        // The loss: output times target, summed in f64.
        let loss = |y: &[f32]| y.iter().zip(&target).map(|(y, t)| f64::from(*y) * f64::from(*t)).sum::<f64>();
        output(&plan, &mut workspace);
        let mut gradients = vec![0.0; plan.num_parameters()];
        workspace.backward(&plan, &target, &mut gradients);
        for (i, (name, var)) in weights.vars().into_iter().enumerate() {
            let idx = plan.parameters().iter().position(|p| p.id() == var.as_tensor().id()).unwrap();
            let direction = random(var.dims(), 500 + i as u64);
            let slope: f64 = gradients[plan.gradient_range(idx)]
                .iter()
                .zip(flat(&direction))
                .map(|(g, d)| f64::from(*g) * f64::from(d))
                .sum();
            let start = var.as_tensor().copy().unwrap();
            let mut at = |step: f64| {
                var.set(&(&start + (&direction * step).unwrap()).unwrap()).unwrap();
                plan.reload().unwrap();
                let loss = loss(&output(&plan, &mut workspace));
                var.set(&start).unwrap();
                loss
            };
            // Small enough for the curvature, large enough for the rounding of f32.
            let step = 2e-3;
            let difference = (at(step) - at(-step)) / (2.0 * step);
            let scale = slope.abs() + 0.05 * loss(&target).sqrt();
            assert!((difference - slope).abs() < 0.02 * scale, "{config:?} {name}: {slope} {difference}");
        }
    }
}
