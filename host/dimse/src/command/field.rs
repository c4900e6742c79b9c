//! Which message a command set is: the Command Field (0000,0100). Separate because it is a list.

use std::fmt;

/// The Command Field (0000,0100): which message this is (PS3.7 §E.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandField(u16);

/// Names each command field once: constant, code, name.
macro_rules! command_fields {
    ($($constant:ident = $code:literal $name:literal,)*) => {
        impl CommandField {
            $(#[doc = $name] pub const $constant: Self = Self($code);)*

            const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

command_fields! {
    C_STORE_RQ = 0x0001 "C-STORE-RQ",
    C_STORE_RSP = 0x8001 "C-STORE-RSP",
    C_GET_RQ = 0x0010 "C-GET-RQ",
    C_GET_RSP = 0x8010 "C-GET-RSP",
    C_FIND_RQ = 0x0020 "C-FIND-RQ",
    C_FIND_RSP = 0x8020 "C-FIND-RSP",
    C_MOVE_RQ = 0x0021 "C-MOVE-RQ",
    C_MOVE_RSP = 0x8021 "C-MOVE-RSP",
    C_ECHO_RQ = 0x0030 "C-ECHO-RQ",
    C_ECHO_RSP = 0x8030 "C-ECHO-RSP",
    C_CANCEL_RQ = 0x0fff "C-CANCEL-RQ",
    N_EVENT_REPORT_RQ = 0x0100 "N-EVENT-REPORT-RQ",
    N_EVENT_REPORT_RSP = 0x8100 "N-EVENT-REPORT-RSP",
    N_GET_RQ = 0x0110 "N-GET-RQ",
    N_GET_RSP = 0x8110 "N-GET-RSP",
    N_SET_RQ = 0x0120 "N-SET-RQ",
    N_SET_RSP = 0x8120 "N-SET-RSP",
    N_ACTION_RQ = 0x0130 "N-ACTION-RQ",
    N_ACTION_RSP = 0x8130 "N-ACTION-RSP",
    N_CREATE_RQ = 0x0140 "N-CREATE-RQ",
    N_CREATE_RSP = 0x8140 "N-CREATE-RSP",
    N_DELETE_RQ = 0x0150 "N-DELETE-RQ",
    N_DELETE_RSP = 0x8150 "N-DELETE-RSP",
}

impl CommandField {
    /// A field from its code, any code.
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The code.
    pub const fn code(self) -> u16 {
        self.0
    }

    /// Whether it answers a request.
    pub const fn is_response(self) -> bool {
        self.0 & 0x8000 != 0
    }

    /// The field of the response to this request.
    pub const fn response(self) -> Self {
        Self(self.0 | 0x8000)
    }
}

impl fmt::Display for CommandField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "command {:04X}H", self.0),
        }
    }
}

impl fmt::Debug for CommandField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
