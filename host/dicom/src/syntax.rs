//! How a data set is encoded: the transfer syntax.
//!
//! Separate because three questions about it (explicit VR? big endian? deflated?) decide how every byte is read, and
//! because any syntax with encapsulated pixel data is accepted, also one that this program cannot decode: it is stored
//! as it came.

use crate::uid::Uid;

/// UID of Implicit VR Little Endian (PS3.5 §A.1).
pub const IMPLICIT_LE: &str = "1.2.840.10008.1.2";
/// UID of Explicit VR Little Endian (PS3.5 §A.2).
pub const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";
/// UID of Deflated Explicit VR Little Endian (PS3.5 §A.5).
pub const DEFLATED_LE: &str = "1.2.840.10008.1.2.1.99";
/// UID of Explicit VR Big Endian (retired; PS3.5-2016b §A.3).
pub const EXPLICIT_BE: &str = "1.2.840.10008.1.2.2";

/// A transfer syntax that this program can read the structure of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransferSyntax {
    uid: Uid,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    ImplicitLittle,
    ExplicitLittle,
    ExplicitBig,
    Deflated,
    Encapsulated,
}

impl TransferSyntax {
    /// The syntax with this UID (padding tolerated); `None` when it is not a DICOM transfer syntax for stored objects.
    ///
    /// Every registered image or video compression is known by its branch of the UID tree, so one that is registered
    /// next year is stored too.
    pub fn lookup(uid: &str) -> Option<Self> {
        let uid = Uid::parse(uid).ok()?;
        let form = match uid.as_str() {
            IMPLICIT_LE => Form::ImplicitLittle,
            EXPLICIT_LE => Form::ExplicitLittle,
            EXPLICIT_BE => Form::ExplicitBig,
            // The two JPIP referenced syntaxes whose whole data set is deflated.
            DEFLATED_LE | "1.2.840.10008.1.2.4.95" | "1.2.840.10008.1.2.4.205" => Form::Deflated,
            // Encapsulated uncompressed, RLE, deflated image frames.
            "1.2.840.10008.1.2.1.98" | "1.2.840.10008.1.2.5" | "1.2.840.10008.1.2.8.1" => Form::Encapsulated,
            other if other.starts_with("1.2.840.10008.1.2.4.") => Form::Encapsulated,
            _ => return None,
        };
        Some(Self { uid, form })
    }

    /// Implicit VR Little Endian.
    pub fn implicit_le() -> Self {
        Self::known(IMPLICIT_LE, Form::ImplicitLittle)
    }

    /// Explicit VR Little Endian.
    pub fn explicit_le() -> Self {
        Self::known(EXPLICIT_LE, Form::ExplicitLittle)
    }

    /// Explicit VR Big Endian.
    pub fn explicit_be() -> Self {
        Self::known(EXPLICIT_BE, Form::ExplicitBig)
    }

    fn known(uid: &'static str, form: Form) -> Self {
        Self {
            uid: Uid::constant(uid),
            form,
        }
    }

    /// Its UID.
    pub fn uid(&self) -> &Uid {
        &self.uid
    }

    /// Whether elements carry their VR.
    pub fn is_explicit(&self) -> bool {
        self.form != Form::ImplicitLittle
    }

    /// Whether numbers have their most significant byte first.
    pub fn is_big_endian(&self) -> bool {
        self.form == Form::ExplicitBig
    }

    /// Whether the data set must be inflated before it can be read; what comes out is Explicit VR Little Endian.
    pub fn is_deflated(&self) -> bool {
        self.form == Form::Deflated
    }

    /// Whether pixel data is a sequence of fragments (PS3.5 §A.4).
    pub fn is_encapsulated(&self) -> bool {
        self.form == Form::Encapsulated
    }
}

#[cfg(test)]
mod tests;
