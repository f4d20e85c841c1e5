//! [`Canvas`]: pixels, rectangles, lines and text, to a PNG.

use anyhow::{Context, Result};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use super::colour::{Rgb, mix};

/// A picture being drawn. What lies outside of it is not drawn.
pub struct Canvas {
    width: usize,
    height: usize,
    /// Row by row from the top.
    pixels: Vec<Rgb>,
}

/// A rectangle, in pixels from the top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Left edge.
    pub x: usize,
    /// Upper edge.
    pub y: usize,
    /// Width.
    pub width: usize,
    /// Height.
    pub height: usize,
}

/// Which side of its place a text lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Left,
    /// It is centred there.
    Centre,
    /// It ends there.
    Right,
}

/// How large and heavy letters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Font {
    /// Labels.
    Small,
    /// Titles.
    Large,
}

impl Font {
    fn raster(self) -> (FontWeight, RasterHeight) {
        match self {
            Self::Small => (FontWeight::Regular, RasterHeight::Size16),
            Self::Large => (FontWeight::Bold, RasterHeight::Size24),
        }
    }

    /// Width of a letter, in pixels: all are alike.
    pub fn letter_width(self) -> usize {
        let (weight, size) = self.raster();
        get_raster_width(weight, size)
    }
}

impl Canvas {
    /// All of one colour.
    pub fn new(width: usize, height: usize, colour: Rgb) -> Self {
        Self { width, height, pixels: vec![colour; width * height] }
    }

    /// The colour at a place inside.
    pub fn pixel(&self, x: usize, y: usize) -> Rgb {
        self.pixels[y * self.width + x]
    }

    /// Lay `amount` (0..=1) of a colour over a pixel.
    pub fn blend(&mut self, x: usize, y: usize, colour: Rgb, amount: f32) {
        if x < self.width && y < self.height {
            let pixel = &mut self.pixels[y * self.width + x];
            *pixel = mix(*pixel, colour, amount);
        }
    }

    /// Lay `amount` of a colour over an area.
    pub fn fill(&mut self, area: Area, colour: Rgb, amount: f32) {
        for y in area.y..area.y + area.height {
            (area.x..area.x + area.width).for_each(|x| self.blend(x, y, colour, amount));
        }
    }

    /// Write a text whose upper edge is at `y`. Letters that the program does not have are left out.
    pub fn text(&mut self, (x, y): (usize, usize), anchor: Anchor, font: Font, text: &str, colour: Rgb) {
        let (weight, size) = font.raster();
        let width = text.chars().count() * font.letter_width();
        let mut left = match anchor {
            Anchor::Left => x,
            Anchor::Centre => x.saturating_sub(width / 2),
            Anchor::Right => x.saturating_sub(width),
        };
        for letter in text.chars() {
            if let Some(raster) = get_raster(letter, weight, size) {
                for (dy, row) in raster.rows().enumerate() {
                    for (dx, &ink) in row.iter().enumerate().filter(|(_, ink)| **ink > 0) {
                        self.blend(left + dx, y + dy, colour, f32::from(ink) / 255.0);
                    }
                }
            }
            left += font.letter_width();
        }
    }

    /// The bytes of a PNG file.
    ///
    /// # Errors
    /// The picture has no pixel, or more than the format holds.
    pub fn png(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let size = [self.width, self.height].map(u32::try_from);
        let [Ok(width), Ok(height)] = size else { anyhow::bail!("a picture of {} x {}", self.width, self.height) };
        let mut encoder = png::Encoder::new(&mut out, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().context("cannot make a PNG")?;
        writer.write_image_data(self.pixels.as_flattened()).context("cannot make a PNG")?;
        writer.finish().context("cannot make a PNG")?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLACK: Rgb = [0; 3];
    const WHITE: Rgb = [255; 3];

    #[test]
    fn a_png_reads_back_as_it_was_drawn() {
        let mut canvas = Canvas::new(30, 20, BLACK);
        canvas.fill(Area { x: 3, y: 4, width: 5, height: 6 }, [200, 100, 50], 1.0);
        let png = canvas.png().unwrap();
        let mut reader = png::Decoder::new(png.as_slice()).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.width, info.height), (30, 20));
        assert_eq!(bytes, canvas.pixels.as_flattened());
        assert_eq!(
            (canvas.pixel(3, 4), canvas.pixel(7, 9), canvas.pixel(8, 9)),
            ([200, 100, 50], [200, 100, 50], BLACK)
        );
    }

    #[test]
    fn a_text_lies_where_its_anchor_says_and_what_is_outside_is_not_drawn() {
        let inked = |anchor| {
            let mut canvas = Canvas::new(100, 20, BLACK);
            canvas.text((50, 2), anchor, Font::Small, "HHH", WHITE);
            (0..100).filter(|&x| (0..20).any(|y| canvas.pixel(x, y) != BLACK)).collect::<Vec<_>>()
        };
        let width = 3 * Font::Small.letter_width();
        for (anchor, left) in [(Anchor::Left, 50), (Anchor::Centre, 50 - width / 2), (Anchor::Right, 50 - width)] {
            let inked = inked(anchor);
            assert!(
                !inked.is_empty() && inked.iter().all(|x| (left..left + width).contains(x)),
                "{anchor:?}: {inked:?}"
            );
        }
        Canvas::new(5, 5, BLACK).text((4, 4), Anchor::Left, Font::Large, "Wide\u{1F600}", WHITE);
    }
}
