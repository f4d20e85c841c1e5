//! How long layers, the denoiser of the `drums` model and whole clips take.
//!
//! `cargo bench -p brownian-core --bench network`; `BROWNIAN_INSTRUCTIONS=avx2` or `portable` before it times the kernels of
//! another instruction set than the best.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use brownian_core::conditioning::Condition;
use brownian_core::generate::{Cancel, Request, Session};
use brownian_core::model::{Model, Registry};
use brownian_core::nn::{
    Conv1d, Conv1dConfig, FilterBlock2d, GroupNorm, Init, Linear, Padding, Plan, Recording, SelfAttention, Value,
    Weights,
};
use brownian_core::noise::{NoiseStream, Seed};
use candle_core::{Device, Result};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// A layer of fresh weights, of a value and a modulation.
type Apply = Box<dyn Fn(&Value, &Value, &Weights) -> Result<Value>>;

/// Multiplications and additions of one call, and the layer on `[frames, ..]`.
struct Layer {
    name: &'static str,
    shape: Vec<usize>,
    operations: usize,
    apply: Apply,
}

/// The layers that the drums model spends its time in, in its sizes.
fn layers() -> Vec<Layer> {
    let conv =
        |x: &Value, _: &Value, weights: &Weights| Conv1d::new(160, 160, Conv1dConfig::default(), weights)?.forward(x);
    let fold = |x: &Value, _: &Value, weights: &Weights| Linear::new(2048, 160, Init::FanIn(2048), weights)?.forward(x);
    let norm = |x: &Value, _: &Value, weights: &Weights| GroupNorm::new(160, weights)?.forward_silu(x);
    let attention = |x: &Value, _: &Value, weights: &Weights| SelfAttention::new(256, 4, weights)?.forward(x);
    let filter = |x: &Value, film: &Value, weights: &Weights| {
        FilterBlock2d::new(32, &[], Padding::Zero, weights)?.forward(x, film)
    };
    vec![
        Layer {
            name: "conv 160 to 160, 3 taps, 64 frames",
            shape: vec![64, 160],
            operations: 2 * 64 * 3 * 160 * 160,
            apply: Box::new(conv),
        },
        Layer {
            name: "linear 2048 to 160, 64 frames",
            shape: vec![64, 2048],
            operations: 2 * 64 * 2048 * 160,
            apply: Box::new(fold),
        },
        Layer { name: "norm and SiLU, 64 x 160", shape: vec![64, 160], operations: 0, apply: Box::new(norm) },
        Layer {
            name: "attention, 16 frames x 256",
            shape: vec![16, 256],
            operations: 2 * 16 * (4 * 256 * 256 + 2 * 16 * 256),
            apply: Box::new(attention),
        },
        Layer {
            name: "filter block, 64 x 128 x 32",
            shape: vec![64, 128, 32],
            operations: 2 * 64 * 128 * (15 * 32 + 4 * 32 * 32),
            apply: Box::new(filter),
        },
    ]
}

fn plan(layer: &Layer) -> Result<Plan> {
    let recording = Recording::new();
    let film = Value::Node(recording.input(&[64], false));
    let x = Value::Node(recording.input(&layer.shape, true));
    let y = (layer.apply)(&x, &film, &Weights::fresh(Seed(1), &Device::Cpu))?;
    Plan::new(&recording, &y, false)
}

fn noise(len: usize) -> Vec<f32> {
    let mut values = vec![0.0; len];
    NoiseStream::new(Seed(3), "bench", 0).fill_normal(&mut values);
    values
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool")
}

fn bench_layers(criterion: &mut Criterion) {
    let instructions =
        brownian_core::nn::instructions().expect("BROWNIAN_INSTRUCTIONS names one that this processor has");
    for layer in layers() {
        let plan = plan(&layer).expect("a layer of fresh weights");
        let mut group = criterion.benchmark_group(format!("{}, {instructions}", layer.name));
        if layer.operations > 0 {
            group.throughput(Throughput::Elements(layer.operations as u64));
        }
        let x = noise(layer.shape.iter().product());
        for threads in [1, 2] {
            let mut workspace = plan.workspace(1, 1);
            plan.prepare(&mut workspace, 0..1, &[&noise(64)]);
            group.bench_function(BenchmarkId::from_parameter(format!("{threads} threads")), |bencher| {
                pool(threads).install(|| {
                    plan.run(&mut workspace, threads, |runner| bencher.iter(|| black_box(runner.forward(0, &[&x])[0])));
                });
            });
        }
        group.finish();
    }
}

fn drums() -> Model {
    Registry::new(None).open("drums", &Device::Cpu).expect("drums is embedded")
}

fn bench_denoiser(criterion: &mut Criterion) {
    let model = drums();
    let shape = model.fine.shape();
    let (x, context) = (noise(shape.frames * shape.channels), noise(shape.frames * shape.channels));
    let plan = model.fine.plan(false).expect("a plan of the model");
    let (levels, features) = model.fine.rows(&[1.0], &[Condition::default()]);
    let mut group = criterion.benchmark_group("denoiser of drums, one step");
    for threads in [1, 2] {
        let mut workspace = plan.workspace(1, 1);
        plan.prepare(&mut workspace, 0..1, &[&levels, &features]);
        group.bench_function(BenchmarkId::from_parameter(format!("{threads} threads")), |bencher| {
            pool(threads).install(|| {
                plan.run(&mut workspace, threads, |runner| {
                    bencher.iter(|| black_box(runner.forward(0, &[&x, &context])[0]));
                });
            });
        });
    }
    group.finish();
}

fn bench_clips(criterion: &mut Criterion) {
    let model = Arc::new(drums());
    let mut group = criterion.benchmark_group("a hit of drums, warm session");
    for (steps, threads) in [(1, 2), (4, 2), (8, 1), (8, 2), (16, 2)] {
        let session = Session::new(model.clone(), threads).expect("threads");
        let request = Request { steps: Some(steps), seed: 1, ..Request::default() };
        group.bench_function(BenchmarkId::from_parameter(format!("{steps} steps, {threads} threads")), |bencher| {
            bencher.iter(|| session.render(&request, &Cancel::default(), &|_, _| ()).expect("a clip"));
        });
    }
    group.finish();
}

/// From a model's bytes to the end of the first denoiser call.
fn first_step(threads: usize) -> Duration {
    let start = Instant::now();
    let session = Session::new(Arc::new(drums()), threads).expect("threads");
    let first = OnceLock::new();
    let cancel = Cancel::default();
    let stop = |_, _| {
        first.get_or_init(|| start.elapsed());
        cancel.cancel();
    };
    let request = Request { seed: 1, ..Request::default() };
    assert!(session.render(&request, &cancel, &stop).is_err(), "it was cancelled");
    *first.get().expect("a step was made")
}

fn bench_load(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("drums from its bytes to the first step");
    for threads in [1, 2] {
        group.bench_function(BenchmarkId::from_parameter(format!("{threads} threads")), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| first_step(threads)).sum());
        });
    }
    group.finish();
}

/// The denoiser with as many threads as the machine has cores, beside as many others that never rest.
fn bench_crowded(criterion: &mut Criterion) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = Arc::new(drums());
    let mut group = criterion.benchmark_group(format!("a hit of drums at 8 steps on {cores} threads, crowded"));
    group.sample_size(20);
    for others in [0, cores, 2 * cores] {
        let busy = AtomicBool::new(true);
        std::thread::scope(|scope| {
            for _ in 0..others {
                scope.spawn(|| {
                    while busy.load(Ordering::Relaxed) {
                        black_box(0);
                    }
                });
            }
            let session = Session::new(model.clone(), cores).expect("threads");
            let request = Request { steps: Some(8), seed: 1, ..Request::default() };
            group.bench_function(BenchmarkId::from_parameter(format!("{others} others")), |bencher| {
                bencher.iter(|| session.render(&request, &Cancel::default(), &|_, _| ()).expect("a clip"));
            });
            busy.store(false, Ordering::Relaxed);
        });
    }
    group.finish();
}

criterion_group!(benches, bench_layers, bench_denoiser, bench_clips, bench_load, bench_crowded);
criterion_main!(benches);
