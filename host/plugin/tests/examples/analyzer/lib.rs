//! An analyzer that measures: it gives the largest series to a model and writes what the model found into a structured
//! report. Series that come late are waited for, once.

use isocenter::{Analyzer, Code, Draft, DraftKind, Error, Next, Path, Result, Results, Study, Tensor, models, tags};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Config {
    /// Takes `image` [1, 1, slices, rows, columns] and gives `mask`, the probability of each voxel.
    model: String,
    #[serde(default = "half")]
    threshold: f32,
    #[serde(default)]
    wait_seconds: u32,
}

fn half() -> f32 {
    0.5
}

struct Measure;

impl Analyzer for Measure {
    type Config = Config;

    fn start(study: &mut Study<'_>, results: &mut Results<'_>, config: &Config) -> Result<Next> {
        if config.wait_seconds == 0 {
            return measure(study, results, config);
        }
        // The next step is another instance, perhaps on another machine: all it knows of this one is the token.
        Ok(Next::wait(study.count().to_string(), config.wait_seconds))
    }

    fn resume(token: &[u8], study: &mut Study<'_>, results: &mut Results<'_>, config: &Config) -> Result<Next> {
        results.progress(
            10,
            &format!("{} objects came late", study.count().saturating_sub(number(token))),
        );
        measure(study, results, config)
    }
}

fn number(token: &[u8]) -> u64 {
    String::from_utf8_lossy(token).parse().unwrap_or_default()
}

fn measure(study: &mut Study<'_>, results: &mut Results<'_>, config: &Config) -> Result<Next> {
    let counted = study
        .series()
        .into_iter()
        .map(|series| (study.members_of(&series).count(), series));
    let (_, series) = counted.max().ok_or_else(|| Error::never("the study is empty"))?;
    // The volume goes from the archive into the model; it does not enter the sandbox.
    let image = Tensor::of_series(study, &series)?;
    let image = image.reshape(&[&[1, 1], image.shape().as_slice()].concat())?;
    results.progress(50, "the model runs");
    let mask = models::run(&config.model, &[("image", &image)])?
        .take("mask")?
        .to_f32()?;
    let found = mask
        .iter()
        .filter(|&&probability| probability >= config.threshold)
        .count();

    let source = study.members_of(&series).next();
    let source = source.ok_or_else(|| Error::never("the series is gone"))?;
    let mut report = Draft::new(DraftKind::StructuredReport, &source);
    report.set_code(
        tags::CONCEPT_NAME_CODE_SEQUENCE,
        Code("126000", "DCM", "Imaging Measurement Report"),
    );
    let item = [tags::CONTENT_SEQUENCE.item(0)];
    report.set_text(Path::inside(&item, tags::RELATIONSHIP_TYPE), "CONTAINS");
    report.set_text(Path::inside(&item, tags::VALUE_TYPE), "TEXT");
    let name = Path::inside(&item, tags::CONCEPT_NAME_CODE_SEQUENCE);
    report.set_code(name, Code("121071", "DCM", "Finding"));
    let finding = format!("{found} of {} voxels are at least {}", mask.len(), config.threshold);
    report.set_text(Path::inside(&item, tags::TEXT_VALUE), finding);
    results.add(report);
    Ok(Next::Done)
}

isocenter::plugin!(Measure: analyzer);

#[cfg(test)]
mod tests;
