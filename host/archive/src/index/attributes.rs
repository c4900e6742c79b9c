//! What the index holds of an object's header. Separate because it is pure: header in, columns out.

use isocenter_dicom::header::Header;

/// Every searchable and displayable attribute of an object, its series and its study.
#[derive(Clone, Debug)]
pub struct Attributes {}

impl Attributes {
    /// Takes them from a header.
    pub fn of(header: &Header) -> Self {
        let _ = header;
        todo!()
    }
}
