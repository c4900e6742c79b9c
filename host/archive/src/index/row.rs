//! Rows of objects, between Postgres and our types. Separate because four tables have these columns.

use isocenter_dicom::{header::Identity, uid::Uid};
use sqlx::{
    Decode, Encode, Postgres, Row, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgRow, PgTypeInfo, PgValueRef, types::Oid},
};

use super::{Held, IndexError, PackId, Place, Source, Transport};

impl Type<Postgres> for PackId {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(2950)) // uuid
    }
}

impl PgHasArrayType for PackId {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(2951))
    }
}

impl Encode<'_, Postgres> for PackId {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.to_bytes());
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for PackId {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self::from_bytes(value.as_bytes()?.try_into()?))
    }
}

/// A number of ours that fits Postgres's signed one: sizes and offsets of files do.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unreadable(what: &'static str) -> IndexError {
    IndexError::Unreadable { what }
}

pub(super) fn uid(row: &PgRow, column: &str) -> Result<Uid, IndexError> {
    let text: &str = row.try_get(column)?;
    Uid::parse(text).map_err(|_| unreadable("a UID"))
}

pub(super) fn digest(row: &PgRow) -> Result<[u8; 32], IndexError> {
    let bytes: &[u8] = row.try_get("digest")?;
    bytes.try_into().map_err(|_| unreadable("a digest"))
}

pub(super) fn place(row: &PgRow) -> Result<Place, IndexError> {
    let unsigned = |column: &str| -> Result<u64, IndexError> {
        u64::try_from(row.try_get::<i64, _>(column)?).map_err(|_| unreadable("an offset or length"))
    };
    let header_length: i32 = row.try_get("header_length")?;
    Ok(Place {
        pack: row.try_get("pack")?,
        offset: unsigned("pack_offset")?,
        length: unsigned("length")?,
        header_length: u32::try_from(header_length).map_err(|_| unreadable("a header length"))?,
        digest: digest(row)?,
    })
}

pub(super) fn identity(row: &PgRow) -> Result<Identity, IndexError> {
    Ok(Identity {
        sop_class: uid(row, "sop_class")?,
        sop_instance: uid(row, "object_uid")?,
        series: uid(row, "series_uid")?,
        study: uid(row, "study_uid")?,
    })
}

pub(super) fn held(row: &PgRow) -> Result<Held, IndexError> {
    Ok(Held {
        plugin: row.try_get("plugin")?,
        reason: row.try_get("reason")?,
    })
}

pub(super) fn source(row: &PgRow) -> Result<Source, IndexError> {
    Ok(Source {
        calling_ae: row.try_get("calling_ae")?,
        called_ae: row.try_get("called_ae")?,
        peer: row.try_get("peer")?,
        transport: Transport::parse(row.try_get("transport")?).ok_or(unreadable("a transport"))?,
        subject: row.try_get("subject")?,
        hops: u8::try_from(row.try_get::<i16, _>("hops")?).map_err(|_| unreadable("a number of hops"))?,
    })
}
