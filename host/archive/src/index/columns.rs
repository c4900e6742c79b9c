//! A batch as the arrays that its statements unnest, one per column. Separate because three statements take the same ones.

use std::collections::BTreeMap;

use sqlx::{Postgres, postgres::PgArguments, query::Query, types::Json};

use super::{
    NewObject, PackId,
    attributes::{Series, Study},
    fold,
    moment::Moment,
    row::signed,
};

/// The columns that objects, superseded and quarantined ones have alike, as arrays to be unnested.
#[derive(Default)]
pub(super) struct Columns<'a> {
    pub(super) study: Vec<&'a str>,
    pub(super) object: Vec<&'a str>,
    pub(super) series: Vec<&'a str>,
    pub(super) sop_class: Vec<&'a str>,
    pub(super) syntax: Vec<&'a str>,
    pub(super) pack: Vec<PackId>,
    pub(super) offset: Vec<i64>,
    pub(super) length: Vec<i64>,
    pub(super) header_length: Vec<i32>,
    pub(super) digest: Vec<&'a [u8]>,
    pub(super) calling_ae: Vec<Option<String>>,
    pub(super) called_ae: Vec<Option<String>>,
    pub(super) peer: Vec<Option<String>>,
    pub(super) transport: Vec<&'static str>,
    pub(super) arrived: Vec<Moment>,
    pub(super) subject: Vec<Option<String>>,
    pub(super) hops: Vec<i16>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(objects: &[&'a NewObject]) -> Self {
        let mut columns = Self::default();
        for object in objects {
            columns.study.push(object.identity.study.as_str());
            columns.object.push(object.identity.sop_instance.as_str());
            columns.series.push(object.identity.series.as_str());
            columns.sop_class.push(object.identity.sop_class.as_str());
            columns.syntax.push(object.syntax.as_str());
            columns.pack.push(object.place.pack);
            columns.offset.push(signed(object.place.offset));
            columns.length.push(signed(object.place.length));
            columns
                .header_length
                .push(i32::try_from(object.place.header_length).unwrap_or(i32::MAX));
            columns.digest.push(&object.place.digest);
            // A sender names itself; NUL is what no column can hold.
            let said = |text: &Option<String>| text.as_deref().and_then(fold::exact);
            columns.calling_ae.push(said(&object.source.calling_ae));
            columns.called_ae.push(said(&object.source.called_ae));
            columns.peer.push(said(&object.source.peer));
            columns.transport.push(object.source.transport.as_str());
            columns.arrived.push(Moment::from(object.arrived));
            columns.subject.push(said(&object.source.subject));
            columns.hops.push(i16::from(object.source.hops));
        }
        columns
    }
}

pub(super) type Bound<'q> = Query<'q, Postgres, PgArguments>;

/// $1 to $17.
pub(super) fn bind_rows<'q>(query: Bound<'q>, rows: &'q Columns<'_>) -> Bound<'q> {
    query
        .bind(&rows.study)
        .bind(&rows.object)
        .bind(&rows.series)
        .bind(&rows.sop_class)
        .bind(&rows.syntax)
        .bind(&rows.pack)
        .bind(&rows.offset)
        .bind(&rows.length)
        .bind(&rows.header_length)
        .bind(&rows.digest)
        .bind(&rows.calling_ae)
        .bind(&rows.called_ae)
        .bind(&rows.peer)
        .bind(&rows.transport)
        .bind(&rows.arrived)
        .bind(&rows.subject)
        .bind(&rows.hops)
}

/// $1 to $26.
pub(super) fn bind_objects<'q>(query: Bound<'q>, rows: &'q Columns<'_>, batch: &[&NewObject]) -> Bound<'q> {
    let column = |of: fn(&super::attributes::Object) -> Option<i32>| -> Vec<Option<i32>> {
        batch.iter().map(|object| of(&object.attributes.object)).collect()
    };
    bind_rows(query, rows)
        .bind(column(|object| object.instance_number))
        .bind(column(|object| object.rows))
        .bind(column(|object| object.columns))
        .bind(column(|object| object.bits_allocated))
        .bind(column(|object| object.frames))
        .bind(column(|object| object.acquisition_number))
        .bind(
            batch
                .iter()
                .map(|object| object.attributes.object.content_date)
                .collect::<Vec<_>>(),
        )
        .bind(
            batch
                .iter()
                .map(|object| object.attributes.object.content_time)
                .collect::<Vec<_>>(),
        )
        .bind(
            batch
                .iter()
                .map(|object| object.attributes.object.timezone.clone())
                .collect::<Vec<_>>(),
        )
}

/// The series and studies of a batch, each once, in the order of their keys.
pub(super) struct Parents<'a> {
    series: BTreeMap<(&'a str, &'a str), &'a Series>,
    studies: BTreeMap<&'a str, &'a Study>,
}

impl<'a> Parents<'a> {
    pub(super) fn of(batch: &[&'a NewObject]) -> Self {
        let (mut series, mut studies) = (BTreeMap::new(), BTreeMap::new());
        for object in batch {
            let study = object.identity.study.as_str();
            series
                .entry((study, object.identity.series.as_str()))
                .or_insert(&object.attributes.series);
            studies.entry(study).or_insert(&object.attributes.study);
        }
        Self { series, studies }
    }

    pub(super) fn bind<'q>(&self, query: Bound<'q>) -> Bound<'q> {
        self.bind_studies(self.bind_series(query))
    }

    /// 17 values.
    pub(super) fn bind_series<'q>(&self, query: Bound<'q>) -> Bound<'q> {
        macro_rules! all {
            ($($column:ident).+) => { self.series.values().map(|series| &series.$($column).+).collect::<Vec<_>>() };
        }
        query
            .bind(self.series.keys().map(|(study, _)| *study).collect::<Vec<_>>())
            .bind(self.series.keys().map(|(_, series)| *series).collect::<Vec<_>>())
            .bind(all!(modality))
            .bind(all!(number))
            .bind(all!(description))
            .bind(all!(date))
            .bind(all!(time))
            .bind(all!(body_part))
            .bind(all!(laterality))
            .bind(all!(manufacturer))
            .bind(all!(station_name))
            .bind(all!(institution_name))
            .bind(all!(step_date))
            .bind(all!(step_time))
            .bind(all!(scheduled_step_ids))
            .bind(all!(requested_procedure_ids))
            .bind(
                self.series
                    .values()
                    .map(|series| Json(&series.shown))
                    .collect::<Vec<_>>(),
            )
    }

    /// 19 values.
    fn bind_studies<'q>(&self, query: Bound<'q>) -> Bound<'q> {
        macro_rules! all {
            ($($column:ident).+) => { self.studies.values().map(|study| &study.$($column).+).collect::<Vec<_>>() };
        }
        let words = |of: fn(&Study) -> Option<String>| self.studies.values().map(|study| of(study)).collect::<Vec<_>>();
        query
            .bind(self.studies.keys().copied().collect::<Vec<_>>())
            .bind(all!(patient_name.alphabetic))
            .bind(all!(patient_name.ideographic))
            .bind(all!(patient_name.phonetic))
            .bind(words(|study| study.patient_name.words()))
            .bind(all!(patient_id))
            .bind(all!(patient_id_issuer))
            .bind(all!(patient_birth_date))
            .bind(all!(patient_sex))
            .bind(all!(date))
            .bind(all!(time))
            .bind(all!(accession_number))
            .bind(all!(referring_name.alphabetic))
            .bind(all!(referring_name.ideographic))
            .bind(all!(referring_name.phonetic))
            .bind(words(|study| study.referring_name.words()))
            .bind(all!(id))
            .bind(all!(description))
            .bind(
                self.studies
                    .values()
                    .map(|study| Json(&study.shown))
                    .collect::<Vec<_>>(),
            )
    }
}
