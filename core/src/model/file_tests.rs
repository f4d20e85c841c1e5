use super::*;
use crate::model::tiny::two_stage_card as tiny_card;
use crate::noise::{NoiseStream, Seed};

fn some_tensors() -> BTreeMap<String, Tensor> {
    let tensor = |values: &[f32], shape: &[usize]| Tensor::from_slice(values, shape, &Device::Cpu).unwrap();
    let a = tensor(&[0.5, -1.25, 3.0, 0.0, 7.5, -0.125], &[2, 3]);
    BTreeMap::from([("fine.a".into(), a), ("maps.mean.all".into(), tensor(&[-60.0], &[1]))])
}

fn bytes() -> Vec<u8> {
    to_bytes("tiny", &tiny_card(), &some_tensors()).unwrap().0
}

fn load(bytes: &[u8]) -> Result<(Card, HashMap<String, Tensor>)> {
    from_bytes("x.safetensors", bytes, &Device::Cpu)
}

/// A file with this metadata and this one tensor, as another program might write it.
fn written_elsewhere(metadata: Option<HashMap<String, String>>, dtype: Dtype, data: &[u8]) -> Vec<u8> {
    let view = TensorView::new(dtype, vec![data.len() * 8 / dtype.bitsize()], data).unwrap();
    safetensors::serialize([("fine.a", view)], metadata).unwrap()
}

/// A file with this card whose hash is right.
fn with_card(card: &str, dtype: Dtype, data: &[u8]) -> Vec<u8> {
    let view = TensorView::new(dtype, vec![data.len() * 8 / dtype.bitsize()], data).unwrap();
    let hash = digest(card, [("fine.a", &view)].into_iter());
    let json = card.replacen(r#""hash":"""#, &format!(r#""hash":"{hash}""#), 1);
    written_elsewhere(Some(HashMap::from([(KEY.to_owned(), json)])), dtype, data)
}

fn tiny_json() -> String {
    serde_json::to_string(&tiny_card()).unwrap()
}

#[test]
fn what_is_saved_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.safetensors");
    let saved = save(&path, &tiny_card(), &some_tensors()).unwrap();
    assert_eq!(saved.hash.len(), 64);
    let (card, tensors) = load(&read(&path).unwrap()).unwrap();
    assert_eq!(card, saved);
    assert_eq!(card, Card { hash: saved.hash, ..tiny_card() });
    let values = tensors["fine.a"].to_vec2::<f32>().unwrap();
    // All of them have at most 11 significant bits: half precision holds them exactly.
    assert_eq!(values, [[0.5, -1.25, 3.0], [0.0, 7.5, -0.125]]);
    assert_eq!(tensors.len(), 2);
}

#[test]
fn the_same_model_has_the_same_hash_and_another_has_another() {
    let hash = |card: &Card, tensors: &BTreeMap<String, Tensor>| to_bytes("tiny", card, tensors).unwrap().1.hash;
    let base = hash(&tiny_card(), &some_tensors());
    assert_eq!(base, hash(&tiny_card(), &some_tensors()));
    let mut renamed = some_tensors();
    let moved = renamed.remove("fine.a").unwrap();
    renamed.insert("fine.b".into(), moved);
    assert_ne!(base, hash(&tiny_card(), &renamed));
    let mut reshaped = some_tensors();
    let flat = reshaped["fine.a"].flatten_all().unwrap();
    reshaped.insert("fine.a".into(), flat);
    assert_ne!(base, hash(&tiny_card(), &reshaped));
    assert_ne!(base, hash(&Card { id: "other".into(), ..tiny_card() }, &some_tensors()));
}

#[test]
fn every_flipped_bit_is_refused() {
    let good = bytes();
    for position in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[position] ^= 1 << bit;
            assert!(load(&bad).is_err(), "bit {bit} of byte {position} went unnoticed");
        }
    }
}

#[test]
fn every_truncation_and_every_tail_is_refused() {
    let good = bytes();
    for length in 0..good.len() {
        assert!(load(&good[..length]).is_err(), "{length} of {} bytes went unnoticed", good.len());
    }
    assert!(load(&[good.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn random_bytes_are_refused() {
    let mut noise = NoiseStream::new(Seed(5), "garbage", 0);
    for length in 0..300 {
        let garbage: Vec<u8> = (0..length).map(|_| noise.bits() as u8).collect();
        assert!(matches!(load(&garbage), Err(crate::Error::Model(ModelError::NotSafetensors { .. }))));
    }
}

#[test]
fn a_header_that_claims_nearly_all_memory_is_refused() {
    // Eight tensors of 2^61 bytes less a little: their sum and the header wrap around.
    let each = 1_usize << 61;
    let mut entries: Vec<String> = Vec::new();
    for i in 0..8 {
        let size = if i == 7 { each - 249 } else { each - 1 };
        let (start, end) = (i * (each - 1), i * (each - 1) + size);
        entries.push(format!(r#""t{i}":{{"dtype":"U8","shape":[{size}],"data_offsets":[{start},{end}]}}"#));
    }
    let header = format!("{{{}}}", entries.join(","));
    let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
    assert!(load(&file).is_err());
}

#[test]
fn a_file_of_another_program_is_called_foreign() {
    let file = written_elsewhere(None, Dtype::F16, &[0; 4]);
    let message = load(&file).unwrap_err().to_string();
    assert!(message.contains("x.safetensors") && message.contains("without a `brownian` card"), "{message}");
}

#[test]
fn another_format_version_is_named_before_its_unknown_fields() {
    let file = with_card(r#"{"format":7,"shiny":true,"hash":""}"#, Dtype::F16, &[0; 4]);
    let message = load(&file).unwrap_err().to_string();
    assert!(message.contains("format 7") && message.contains("reads format 1"), "{message}");
}

#[test]
fn unknown_and_missing_fields_are_named() {
    let extra = tiny_json().replacen(r#""id":"#, r#""colour":"red","id":"#, 1);
    let message = load(&with_card(&extra, Dtype::F16, &[0; 4])).unwrap_err().to_string();
    assert!(message.contains("unknown field `colour`"), "{message}");
    let missing = tiny_json().replacen(r#""description":"random weights, of no use","#, "", 1);
    let message = load(&with_card(&missing, Dtype::F16, &[0; 4])).unwrap_err().to_string();
    assert!(message.contains("missing field `description`"), "{message}");
}

#[test]
fn a_field_out_of_range_is_refused_though_the_hash_is_right() {
    let wild = tiny_json().replacen(r#""sample_rate":16000"#, r#""sample_rate":0"#, 1);
    let message = load(&with_card(&wild, Dtype::F16, &[0; 4])).unwrap_err().to_string();
    assert!(message.contains("config.sample_rate is 0"), "{message}");
}

#[test]
fn tensors_that_are_not_finite_f16_are_named() {
    let infinity = f16::INFINITY.to_le_bytes();
    let message = load(&with_card(&tiny_json(), Dtype::F16, &infinity)).unwrap_err().to_string();
    assert!(message.contains("tensor fine.a") && message.contains("not finite"), "{message}");
    let message = load(&with_card(&tiny_json(), Dtype::F32, &[0; 4])).unwrap_err().to_string();
    assert!(message.contains("stored as F32; need F16"), "{message}");
}

#[test]
fn a_value_that_half_precision_cannot_hold_is_not_saved() {
    let mut tensors = some_tensors();
    tensors.insert("fine.big".into(), Tensor::from_slice(&[1e6_f32], 1, &Device::Cpu).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.safetensors");
    let message = save(&path, &tiny_card(), &tensors).unwrap_err().to_string();
    assert!(message.contains("fine.big"), "{message}");
    assert!(!path.exists());
}

#[test]
fn a_missing_file_and_a_folder_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let message = read(&folder.path().join("none.safetensors")).unwrap_err().to_string();
    assert!(message.contains("cannot read") && message.contains("none.safetensors"), "{message}");
    assert!(read(folder.path()).is_err());
}
