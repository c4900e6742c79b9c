//! A study-router that sends a study when it is complete: when it has as many series as its protocol makes, and one of
//! them has the description that comes last.

use isocenter::{Error, Plan, Result, Study, StudyRouter, tags};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Config {
    min_series: usize,
    /// Series Description of the series that comes last; absent: any.
    last_series: Option<String>,
    send_to: String,
}

struct Complete;

impl StudyRouter for Complete {
    type Config = Config;

    fn check(config: &Config, destinations: &[String]) -> Result<()> {
        if destinations.contains(&config.send_to) {
            return Ok(());
        }
        Err(Error::never(format!(
            "`{}` is no configured destination",
            config.send_to
        )))
    }

    fn route_study(study: &mut Study<'_>, plan: &mut Plan<'_>, config: &Config) -> Result<()> {
        let series = study.series();
        if series.len() < config.min_series {
            // Asked again when more has arrived.
            return Ok(());
        }
        let is_last = |series: &String| match &config.last_series {
            None => true,
            Some(last) => {
                let first = study.members_of(series).next();
                first.and_then(|object| object.first(tags::SERIES_DESCRIPTION)).as_ref() == Some(last)
            }
        };
        if series.iter().any(is_last) {
            plan.send_to(&config.send_to)?;
        }
        Ok(())
    }
}

isocenter::plugin!(Complete: study_router);

#[cfg(test)]
mod tests;
