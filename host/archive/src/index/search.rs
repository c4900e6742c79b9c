//! A query compiled to SQL: one shape per level, of static fragments with bound values.

use serde_json::{Map, Value};

use super::{Index, Query, SearchError};

impl Index {
    /// What matches, as DICOM JSON data sets (PS3.18 Annex F) with the required attributes of PS3.18 Tables 10.6.3-3 to -5
    /// but Retrieve URL (0008,1190), which only the web knows. Studies: the latest first.
    pub async fn search(&self, query: &Query) -> Result<Vec<Map<String, Value>>, SearchError> {
        let _ = query;
        todo!()
    }
}
