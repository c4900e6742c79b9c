//! A filter that looks at pixels: it refuses objects of too many frames, and holds those whose upper edge is bright, as
//! where a device burns the patient's name into the image.

use isocenter::{Edits, Filter, Form, FrameTrouble, Object, Passage, Result, Verdict};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Config {
    /// Objects of more frames are refused.
    max_frames: u32,
    /// How many rows the upper edge has.
    rows: u32,
    /// How many of its bytes may be above 200.
    bright: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            max_frames: 5000,
            rows: 40,
            bright: 100,
        }
    }
}

struct Edge;

impl Filter for Edge {
    type Config = Config;

    fn apply(object: &Object<'_>, _: &Passage<'_>, _: &mut Edits<'_>, config: &Config) -> Result<Verdict> {
        let frames = object.frames();
        if frames > config.max_frames {
            return Ok(Verdict::Refuse(format!(
                "{frames} frames are more than {} allowed here",
                config.max_frames
            )));
        }
        let frame = match object.frame(0, Form::Decoded) {
            Ok(frame) => frame,
            Err(FrameTrouble::NoPixels) => return Ok(Verdict::Keep),
            // What nobody looked at does not pass.
            Err(trouble) => return Ok(Verdict::Quarantine(trouble.to_string())),
        };
        // Color and gray of 8 bits. Only the edge enters the sandbox, however large the frame is.
        let row = frame.columns() * u32::from(frame.samples()) * u32::from(frame.bits_allocated() / 8);
        let edge = frame.read(0, row * config.rows.min(frame.rows()));
        if frame.bits_allocated() == 8 && edge.iter().filter(|&&byte| byte > 200).count() > config.bright {
            return Ok(Verdict::Quarantine(
                "its upper edge is bright, as burned-in text is".into(),
            ));
        }
        Ok(Verdict::Keep)
    }
}

isocenter::plugin!(Edge: filter);

#[cfg(test)]
mod tests;
