//! A plan on the card against the same plan on the CPU. Ignored where nobody asks for them: they need a card.

use std::sync::Arc;

use super::plan_tests::{EMBEDDING, build, flat, networks, plan, random};
use crate::nn::{Card, CardPlan, CardWeights, Question, Sums};

const CLIPS: usize = 3;

fn assert_close(got: &[f32], expected: &[f32], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    for (i, (a, b)) in got.iter().zip(expected).enumerate() {
        // Sums in another order, through a dozen layers.
        assert!((a - b).abs() <= 2e-4 * (largest + 1e-3), "{what}: number {i} is {a}, not {b}; largest {largest}");
    }
}

#[test]
#[ignore = "needs a graphics card"]
fn the_card_computes_outputs_and_gradients_as_the_cpu_does() {
    let card = Arc::new(Card::new(&candle_core::Device::new_cuda(0).unwrap(), false).unwrap());
    for (config, shape) in networks() {
        let (unet, _) = build(&config, shape);
        let plan = Arc::new(plan(&unet, shape, true));
        let frames = [CLIPS, shape.frames, shape.channels];
        let [x, context, target] = [0, 1, 3].map(|index| flat(&random(&frames, index)));
        let embedding = flat(&random(&[CLIPS, EMBEDDING], 2));
        let seen: &[&[f32]] = if shape.has_context { &[&x, &context] } else { &[&x] };

        let mut workspace = plan.workspace(CLIPS, CLIPS);
        plan.prepare(&mut workspace, 0..CLIPS, &[&embedding]);
        let expected = plan.run(&mut workspace, 1, |runner| runner.forward(0, seen).to_vec());
        let gradient: Vec<f32> =
            expected.iter().zip(&target).map(|(v, t)| 2.0 * (v - t) / target.len() as f32).collect();
        let loss = expected.iter().zip(&target).map(|(v, t)| f64::from((v - t) * (v - t))).sum::<f64>();
        let mut gradients = vec![0.0; plan.num_parameters()];
        workspace.backward(&plan, &gradient, &mut gradients);

        let weights = CardWeights::new(&card, &plan).unwrap();
        let values: Vec<f32> = plan.parameters().iter().flat_map(flat).collect();
        let zeros = vec![0.0; values.len()];
        weights.write(&card, [&values, &zeros, &zeros, &values]).unwrap();
        // Room for more clips than there are.
        let on_card = CardPlan::new(&card, &plan, CLIPS + 2, true).unwrap();
        let sums = Sums::new(&card, 1).unwrap();
        // Twice: the second time nothing may be left of the first.
        for _ in 0..2 {
            sums.clear(&card).unwrap();
            weights.clear(&card).unwrap();
            on_card.put(CLIPS, &Question { rows: &[&embedding], frames: seen }, Some(&target)).unwrap();
            on_card.forward(&weights, false, CLIPS).unwrap();
            assert_close(&on_card.output(CLIPS).unwrap(), &expected, &format!("{config:?}"));
            on_card.add_loss(&sums, 0, CLIPS, 0.0, 1.0).unwrap();
            on_card.backward(&weights, CLIPS).unwrap();
            let found = sums.read(&card).unwrap()[0];
            assert!((found / loss - 1.0).abs() < 1e-4, "{found} {loss}");
            let found = weights.gradients(&card).unwrap();
            for (id, parameter) in plan.parameters().iter().enumerate() {
                let range = plan.gradient_range(id);
                let what = format!("gradient {id} {:?} of {config:?}", parameter.dims());
                assert_close(&found[range.clone()], &gradients[range], &what);
            }
        }
    }
}
