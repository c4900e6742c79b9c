//! The types that an element of a tensor can have.
//!
//! Separate because host, table and engines all speak of them. `Int64` is here because ONNX models answer class
//! numbers in it (`ArgMax`) and nothing else; narrower integers fit into it.

use crate::table;

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// Unsigned, 8 bits.
    UInt8,
    /// Signed, 16 bits.
    Int16,
    /// Signed, 64 bits.
    Int64,
    /// IEEE 754 binary16.
    Float16,
    /// IEEE 754 binary32.
    Float32,
}

impl Element {
    /// All of them.
    pub const ALL: [Element; 5] = [
        Element::UInt8,
        Element::Int16,
        Element::Int64,
        Element::Float16,
        Element::Float32,
    ];

    /// Bytes of one element.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Element::UInt8 => 1,
            Element::Int16 | Element::Float16 => 2,
            Element::Float32 => 4,
            Element::Int64 => 8,
        }
    }

    /// The number that the table has for it.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Element::UInt8 => table::UINT8,
            Element::Int16 => table::INT16,
            Element::Int64 => table::INT64,
            Element::Float16 => table::FLOAT16,
            Element::Float32 => table::FLOAT32,
        }
    }

    /// The type with this number.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Element> {
        Element::ALL.into_iter().find(|element| element.code() == code)
    }

    /// As configurations and sentences write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Element::UInt8 => "uint8",
            Element::Int16 => "int16",
            Element::Int64 => "int64",
            Element::Float16 => "float16",
            Element::Float32 => "float32",
        }
    }
}

impl std::fmt::Display for Element {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}
