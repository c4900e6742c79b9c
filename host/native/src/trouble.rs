//! Why a run gave nothing.
//!
//! Separate because it is what a plugin is told, and nothing in it may be a value of a tensor.

/// Why a run gave nothing. The texts are sentences for the author of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No model has this name.
    #[error("no model has this name")]
    NoSuchModel,
    /// The inputs do not fit the model: a name, element type or shape.
    #[error("{0}")]
    BadShape(String),
    /// The memory that is needed cannot be had.
    #[error("there is not enough memory for this run")]
    OutOfMemory,
    /// The engine had no slot free in time. The same run may succeed later.
    #[error("{0}")]
    Busy(String),
    /// The engine failed, took too long, or gave what it must not give.
    #[error("{0}")]
    Failed(String),
}
