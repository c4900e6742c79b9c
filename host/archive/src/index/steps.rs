//! What plugins are called as: plugin, component, role, chain. Separate because every outcome has one and there are few:
//! each is a row of its own, whose number is remembered.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use sqlx::{PgConnection, Row};

use super::NewOutcome;

/// Steps remembered at a time; then all are forgotten and learnt anew. Only a reload brings new ones.
const REMEMBERED: usize = 10_000;

/// As far as it is needed, an upsert: numbers are not to be used up by what is there.
pub(super) const ADD: &str = r#"
INSERT INTO plugin_steps (plugin, digest, role, chain, shadow)
SELECT DISTINCT plugin, digest, role, chain, shadow
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[]) AS b(plugin, digest, role, chain, shadow)
WHERE (
    SELECT true FROM plugin_steps s
    WHERE s.plugin = b.plugin AND s.digest = b.digest AND s.role = b.role AND s.chain = b.chain AND s.shadow = b.shadow LIMIT 1
) IS NULL
ORDER BY plugin, digest, role, chain, shadow
ON CONFLICT DO NOTHING
"#;

pub(super) const NUMBERS: &str = r#"
SELECT b.n - 1 AS n, s.id
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[]) WITH ORDINALITY AS b(plugin, digest, role, chain, shadow, n)
JOIN LATERAL (
    SELECT id FROM plugin_steps s
    WHERE s.plugin = b.plugin AND s.digest = b.digest AND s.role = b.role AND s.chain = b.chain AND s.shadow = b.shadow LIMIT 1
) s ON true
"#;

/// What a plugin was called as.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Step {
    plugin: String,
    digest: String,
    role: &'static str,
    chain: String,
    shadow: bool,
}

impl Step {
    fn of(outcome: &NewOutcome) -> Self {
        let said = |text: &str| text.replace('\0', "");
        Self {
            plugin: said(&outcome.plugin),
            digest: said(&outcome.digest),
            role: outcome.role,
            chain: outcome.chain.as_deref().map(said).unwrap_or_default(),
            shadow: outcome.shadow,
        }
    }
}

/// The numbers of steps, as this host has seen them. Rows of steps are never changed nor deleted.
#[derive(Debug, Default)]
pub(super) struct Steps(Mutex<HashMap<Step, i32>>);

impl Steps {
    /// The number of each outcome's step.
    pub(super) async fn numbers(
        &self,
        connection: &mut PgConnection,
        outcomes: &[NewOutcome],
    ) -> Result<Vec<i32>, sqlx::Error> {
        let steps: Vec<Step> = outcomes.iter().map(Step::of).collect();
        if let Some(numbers) = self.known(&steps) {
            return Ok(numbers);
        }
        macro_rules! bind_steps {
            ($sql:expr) => {
                sqlx::query($sql)
                    .bind(steps.iter().map(|step| step.plugin.as_str()).collect::<Vec<_>>())
                    .bind(steps.iter().map(|step| step.digest.as_str()).collect::<Vec<_>>())
                    .bind(steps.iter().map(|step| step.role).collect::<Vec<_>>())
                    .bind(steps.iter().map(|step| step.chain.as_str()).collect::<Vec<_>>())
                    .bind(steps.iter().map(|step| step.shadow).collect::<Vec<_>>())
            };
        }
        bind_steps!(ADD).execute(&mut *connection).await?;
        let rows = bind_steps!(NUMBERS).fetch_all(connection).await?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + steps.len() > REMEMBERED {
            known.clear();
        }
        for line in &rows {
            let at: i64 = line.try_get("n")?;
            if let Some(step) = usize::try_from(at).ok().and_then(|at| steps.get(at)) {
                known.insert(step.clone(), line.try_get("id")?);
            }
        }
        drop(known);
        self.known(&steps).ok_or(sqlx::Error::RowNotFound)
    }

    fn known(&self, steps: &[Step]) -> Option<Vec<i32>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        steps.iter().map(|step| known.get(step).copied()).collect()
    }
}
