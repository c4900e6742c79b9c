//! SQL that is put together. Separate so that nothing can be appended to it but static fragments and values to be bound.

use sqlx::{Encode, Postgres, QueryBuilder, Type, postgres::PgArguments, query::Query};

use super::{
    Level,
    within::{Test, Within},
};

/// A statement in the making.
pub(super) struct Sql(QueryBuilder<Postgres>);

impl Sql {
    pub(super) fn new(begin: &'static str) -> Self {
        Self(QueryBuilder::new(begin))
    }

    pub(super) fn text(&mut self, fragment: &'static str) -> &mut Self {
        self.0.push(fragment);
        self
    }

    pub(super) fn value<'t, T: Encode<'t, Postgres> + Type<Postgres>>(&mut self, value: T) -> &mut Self {
        self.0.push_bind(value);
        self
    }

    /// What a column is compared with. One value is bound as itself: Postgres then knows how common it is.
    pub(super) fn one_of(&mut self, values: &[String]) -> &mut Self {
        match values {
            [one] => self.text(" = ").value(one.clone()),
            some => self.text(" = ANY(").value(some.to_vec()).text(")"),
        }
    }

    /// Limits of a level, each after an AND; its table is in scope.
    pub(super) fn within(&mut self, level: Level, within: &Within) -> &mut Self {
        for test in within.of(level) {
            self.text(" AND ").test(test);
        }
        self
    }

    fn test(&mut self, test: &Test) {
        match test {
            Test::OneOf(column, values) => {
                self.text(column).one_of(values);
            }
            Test::Name {
                folded,
                groups,
                plain,
                grouped,
            } => {
                self.text("((").text(folded).one_of(&plain.0);
                let [alphabetic, ..] = groups;
                self.text(" AND ").text(alphabetic).one_of(&plain.1).text(")");
                for name in grouped {
                    self.text(" OR (true");
                    for (group, value) in groups.iter().zip(name) {
                        if let Some(value) = value {
                            self.text(" AND ").text(group).text(" = ").value(value.clone());
                        }
                    }
                    self.text(")");
                }
                self.text(")");
            }
        }
    }

    pub(super) fn query(&mut self) -> Query<'_, Postgres, PgArguments> {
        self.0.build()
    }
}
