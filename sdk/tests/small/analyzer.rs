use isocenter::{Analyzer, Draft, DraftKind, Next, Result, Results, Study, tags};

#[derive(serde::Deserialize)]
struct Config {}

struct Count;

impl Analyzer for Count {
    type Config = Config;

    fn start(study: &mut Study, results: &mut Results, _: &Config) -> Result<Next> {
        let count = study.count();
        if let Some(first) = study.members().next() {
            let mut report = Draft::new(DraftKind::StructuredReport, &first);
            report.set_text(tags::SERIES_DESCRIPTION, format!("{count} objects"));
            results.add(report);
        }
        Ok(Next::Done)
    }
}

isocenter::plugin!(Count: analyzer);
