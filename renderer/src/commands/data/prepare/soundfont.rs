//! Which sounds a SoundFont holds: the preset tables of an `.sf2` or `.sf3` file, without its samples.
//!
//! Only the "hydra" of the SoundFont 2.04 specification (§7) is read: presets point at instruments, instruments at
//! samples, both through zones that cover a range of keys and velocities. That tells which recordings lie under a key.

use anyhow::{Context, Result, bail, ensure};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::RangeInclusive;
use std::path::Path;

/// Generators with a meaning here (specification §8.1.2).
const INSTRUMENT: u16 = 41;
const KEY_RANGE: u16 = 43;
const VELOCITY_RANGE: u16 = 44;
const SAMPLE: u16 = 53;

/// The preset tables are a few hundred kilobytes in any real font.
const LARGEST_HYDRA: u32 = 64 << 20;
/// A preset with a zone for every key and 16 layers has 2048.
const MOST_ZONES: usize = 65_536;

/// A playable sound of a font.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preset {
    /// As the font calls it.
    pub name: String,
    /// 128 holds the drum kits.
    pub bank: u16,
    /// MIDI program number.
    pub program: u16,
    zones: Vec<Zone>,
}

/// One recording under a range of keys and velocities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    keys: RangeInclusive<u8>,
    velocities: RangeInclusive<u8>,
    /// Name of the recording.
    pub sample: String,
    /// Every generator of the instrument zone, then of the preset zone: equal settings sound equal.
    pub settings: Vec<(u16, u16)>,
}

impl Preset {
    /// The zones that sound when `key` is struck with `velocity`.
    pub fn struck(&self, key: u8, velocity: u8) -> impl Iterator<Item = &Zone> {
        self.zones.iter().filter(move |zone| zone.keys.contains(&key) && zone.velocities.contains(&velocity))
    }

    /// A drum kit with these samples under these keys, at any velocity.
    #[cfg(test)]
    pub fn kit(samples: &[(u8, &str)]) -> Self {
        let zone = |&(key, sample): &(u8, &str)| Zone {
            keys: key..=key,
            velocities: 0..=127,
            sample: sample.to_owned(),
            settings: Vec::new(),
        };
        Self { name: "Kit".to_owned(), bank: 128, program: 0, zones: samples.iter().map(zone).collect() }
    }
}

/// All presets of the font at `path`, by bank and program.
///
/// # Errors
/// No such file, no SoundFont, or tables that contradict each other.
pub fn read_presets(path: &Path) -> Result<Vec<Preset>> {
    let hydra = Hydra::read(path).with_context(|| format!("cannot read the SoundFont {}", path.display()))?;
    let mut presets = hydra.presets().with_context(|| format!("{} is damaged", path.display()))?;
    presets.sort_by_key(|preset| (preset.bank, preset.program));
    Ok(presets)
}

type Generators = Vec<(u16, u16)>;

/// The chunks of the `pdta` list, split into records.
struct Hydra {
    phdr: Vec<Vec<u8>>,
    pbag: Vec<Vec<u8>>,
    pgen: Vec<Vec<u8>>,
    inst: Vec<Vec<u8>>,
    ibag: Vec<Vec<u8>>,
    igen: Vec<Vec<u8>>,
    shdr: Vec<Vec<u8>>,
}

impl Hydra {
    fn read(path: &Path) -> Result<Self> {
        let mut file = BufReader::new(File::open(path)?);
        let (id, _) = chunk_header(&mut file)?;
        ensure!(
            &id == b"RIFF" && &four_bytes(&mut file)? == b"sfbk",
            "it is no SoundFont 2 file (no RIFF/sfbk header)"
        );
        let pdta = find_pdta(&mut file)?;
        let table = |id: &[u8; 4], size: usize| records(&pdta, id, size);
        Ok(Self {
            phdr: table(b"phdr", 38)?,
            pbag: table(b"pbag", 4)?,
            pgen: table(b"pgen", 4)?,
            inst: table(b"inst", 22)?,
            ibag: table(b"ibag", 4)?,
            igen: table(b"igen", 4)?,
            shdr: table(b"shdr", 46)?,
        })
    }

    fn presets(&self) -> Result<Vec<Preset>> {
        // The last record only marks the end of the one before it.
        self.phdr.windows(2).map(|pair| self.preset(&pair[0], &pair[1])).collect()
    }

    fn preset(&self, header: &[u8], next: &[u8]) -> Result<Preset> {
        let mut zones = Vec::new();
        for outer in zone_generators(&self.pbag, &self.pgen, u16_at(header, 24), u16_at(next, 24), INSTRUMENT)? {
            let instrument = usize::from(value(&outer, INSTRUMENT).unwrap_or(0));
            let pair =
                self.inst.get(instrument..instrument + 2).context("a preset names an instrument that is missing")?;
            let (first, last) = (u16_at(&pair[0], 20), u16_at(&pair[1], 20));
            for inner in zone_generators(&self.ibag, &self.igen, first, last, SAMPLE)? {
                zones.extend(self.zone(&inner, &outer)?);
                ensure!(zones.len() <= MOST_ZONES, "a preset has more than {MOST_ZONES} zones");
            }
        }
        Ok(Preset { name: name(header), bank: u16_at(header, 22), program: u16_at(header, 20), zones })
    }

    /// `None` where the preset's and the instrument's ranges do not meet.
    fn zone(&self, inner: &Generators, outer: &Generators) -> Result<Option<Zone>> {
        let sample = usize::from(value(inner, SAMPLE).unwrap_or(0));
        let header = self.shdr.get(sample).context("an instrument names a sample that is missing")?;
        let keys = intersect(range(inner, KEY_RANGE), range(outer, KEY_RANGE));
        let velocities = intersect(range(inner, VELOCITY_RANGE), range(outer, VELOCITY_RANGE));
        if keys.is_empty() || velocities.is_empty() {
            return Ok(None);
        }
        let settings = inner.iter().chain(outer).copied().filter(|&(id, _)| id != INSTRUMENT).collect();
        Ok(Some(Zone { keys, velocities, sample: name(header), settings }))
    }
}

/// The generators of each zone in `first..last`, with those of a leading global zone (one that does not end in the
/// generator `target`) as defaults, sorted by generator.
fn zone_generators(
    bags: &[Vec<u8>],
    generators: &[Vec<u8>],
    first: u16,
    last: u16,
    target: u16,
) -> Result<Vec<Generators>> {
    let mut global = Generators::new();
    let mut zones = Vec::new();
    for bag in first..last {
        let pair = bags.get(usize::from(bag)..usize::from(bag) + 2).context("a zone is missing")?;
        let (from, to) = (usize::from(u16_at(&pair[0], 0)), usize::from(u16_at(&pair[1], 0)));
        let own = generators.get(from..to).context("a zone's generators are missing")?;
        let own: Generators = own.iter().map(|record| (u16_at(record, 0), u16_at(record, 2))).collect();
        if value(&own, target).is_some() {
            let inherited = global.iter().filter(|(id, _)| value(&own, *id).is_none());
            let mut all: Generators = own.iter().chain(inherited).copied().collect();
            all.sort_unstable();
            zones.push(all);
        } else if bag == first {
            global = own;
        }
    }
    Ok(zones)
}

fn value(generators: &Generators, id: u16) -> Option<u16> {
    generators.iter().find(|(found, _)| *found == id).map(|(_, value)| *value)
}

fn range(generators: &Generators, id: u16) -> RangeInclusive<u8> {
    let [low, high] = value(generators, id).map_or([0, 127], u16::to_le_bytes);
    low..=high
}

fn intersect(a: RangeInclusive<u8>, b: RangeInclusive<u8>) -> RangeInclusive<u8> {
    *a.start().max(b.start())..=*a.end().min(b.end())
}

fn name(record: &[u8]) -> String {
    let text = record[..20].split(|&byte| byte == 0).next().unwrap_or(&[]);
    text.iter().map(|&byte| char::from(byte)).collect::<String>().trim().to_owned()
}

fn u16_at(record: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes([record[offset], record[offset + 1]])
}

fn records(pdta: &[u8], id: &[u8; 4], size: usize) -> Result<Vec<Vec<u8>>> {
    let mut rest = pdta;
    while let Some((found, tail)) = rest.split_first_chunk::<4>() {
        let (length, tail) = tail.split_first_chunk::<4>().context("its preset tables are cut short")?;
        let length = u32::from_le_bytes(*length) as usize;
        let body = tail.get(..length).context("its preset tables are cut short")?;
        if found == id {
            return Ok(body.chunks_exact(size).map(<[u8]>::to_vec).collect());
        }
        rest = tail.get(length + length % 2..).unwrap_or(&[]);
    }
    bail!("its table {} is missing", String::from_utf8_lossy(id))
}

fn find_pdta(file: &mut BufReader<File>) -> Result<Vec<u8>> {
    loop {
        let (id, length) = chunk_header(file).context("its preset tables (pdta) are missing")?;
        if &id == b"LIST" && length >= 4 {
            if &four_bytes(file)? == b"pdta" {
                ensure!(length <= LARGEST_HYDRA, "its preset tables claim {length} bytes");
                let mut body = vec![0; length as usize - 4];
                file.read_exact(&mut body).context("its preset tables are cut short")?;
                return Ok(body);
            }
            file.seek(SeekFrom::Current(i64::from(length - 4 + length % 2)))?;
        } else {
            file.seek(SeekFrom::Current(i64::from(length) + i64::from(length % 2)))?;
        }
    }
}

fn chunk_header(file: &mut BufReader<File>) -> Result<([u8; 4], u32)> {
    Ok((four_bytes(file)?, u32::from_le_bytes(four_bytes(file)?)))
}

fn four_bytes(file: &mut BufReader<File>) -> Result<[u8; 4]> {
    let mut bytes = [0; 4];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(id: &[u8], body: &[u8]) -> Vec<u8> {
        [id, &(body.len() as u32).to_le_bytes(), body].concat()
    }

    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// `name` filled up to 20 bytes, the words, and zeros up to `size` bytes.
    fn record(name: &str, after: &[u16], size: usize) -> Vec<u8> {
        let mut record = name.as_bytes().to_vec();
        record.resize(20, 0);
        record.extend(words(after));
        record.resize(size, 0);
        record
    }

    /// A kit in bank 128, program 8, whose keys 36..=40 sound two samples: one up to velocity 80, one above.
    fn font() -> Vec<u8> {
        let range = |low: u8, high: u8| u16::from_le_bytes([low, high]);
        let tables = [
            chunk(b"phdr", &[record("Room", &[8, 128, 0], 38), record("EOP", &[0, 0, 1], 38)].concat()),
            chunk(b"pbag", &words(&[0, 0, 2, 0])),
            chunk(b"pgen", &words(&[KEY_RANGE, range(36, 60), INSTRUMENT, 0])),
            chunk(b"inst", &[record("Kick", &[0], 22), record("EOI", &[3], 22)].concat()),
            // A global zone with the key range, then two zones.
            chunk(b"ibag", &words(&[0, 0, 1, 0, 3, 0, 5, 0])),
            chunk(
                b"igen",
                &words(
                    &[
                        [KEY_RANGE, range(30, 40)],
                        [VELOCITY_RANGE, range(0, 80)],
                        [SAMPLE, 0],
                        [VELOCITY_RANGE, range(81, 127)],
                        [SAMPLE, 1],
                    ]
                    .concat(),
                ),
            ),
            chunk(b"shdr", &[record("Soft", &[], 46), record("Hard", &[], 46), record("EOS", &[], 46)].concat()),
        ];
        let lists = [
            chunk(b"LIST", b"INFO"),
            chunk(b"LIST", b"sdta123"),
            vec![0],
            chunk(b"LIST", &[b"pdta".to_vec(), tables.concat()].concat()),
        ];
        chunk(b"RIFF", &[b"sfbk".to_vec(), lists.concat()].concat())
    }

    fn read(bytes: &[u8]) -> Result<Vec<Preset>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("font.sf2");
        std::fs::write(&path, bytes).unwrap();
        read_presets(&path)
    }

    #[test]
    fn zones_inherit_the_global_zone_and_meet_the_presets_range() {
        let presets = read(&font()).unwrap();
        let struck =
            |key, velocity| presets[0].struck(key, velocity).map(|zone| zone.sample.as_str()).collect::<Vec<_>>();
        assert_eq!((presets[0].name.as_str(), presets[0].bank, presets[0].program), ("Room", 128, 8));
        assert_eq!(struck(36, 80), ["Soft"]);
        assert_eq!(struck(40, 81), ["Hard"]);
        assert!(struck(35, 80).is_empty() && struck(41, 80).is_empty());
    }

    #[test]
    fn a_cut_or_altered_font_is_refused_or_read_but_never_panics() {
        let whole = font();
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "cut at {length}");
        }
        for idx in 0..whole.len() {
            let mut altered = whole.clone();
            altered[idx] = 0xff;
            let _ = read(&altered);
        }
    }
}
