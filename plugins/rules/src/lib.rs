//! Routing by rules on attributes.
