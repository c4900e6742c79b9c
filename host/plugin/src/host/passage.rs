//! What a filter may know about whence an object comes and where it goes.
//!
//! Separate because it is the one place where network identities reach a plugin.

use std::sync::Arc;

use isocenter_role::{self as role, Direction, Transport};
use wasmtime::component::Resource;

use crate::bindings::isocenter::filter::passage;
use crate::call::Call;

/// Behind the handle `passage`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Passage(pub(crate) Arc<role::Passage>);

impl passage::Host for Call {}

impl passage::HostPassage for Call {
    fn direction(&mut self, this: Resource<Passage>) -> wasmtime::Result<passage::Direction> {
        Ok(match self.table.get(&this)?.0.direction {
            Direction::Ingest => passage::Direction::Ingest,
            Direction::Egress => passage::Direction::Egress,
        })
    }

    fn transport(&mut self, this: Resource<Passage>) -> wasmtime::Result<passage::Transport> {
        Ok(match self.table.get(&this)?.0.transport {
            Transport::Dimse => passage::Transport::Dimse,
            Transport::Stow => passage::Transport::Stow,
            Transport::Derived => passage::Transport::Derived,
            Transport::File => passage::Transport::File,
        })
    }

    fn calling_ae(&mut self, this: Resource<Passage>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&this)?.0.calling_ae.clone())
    }

    fn called_ae(&mut self, this: Resource<Passage>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&this)?.0.called_ae.clone())
    }

    fn peer(&mut self, this: Resource<Passage>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&this)?.0.peer.clone())
    }

    fn subject(&mut self, this: Resource<Passage>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&this)?.0.subject.clone())
    }

    fn destination(&mut self, this: Resource<Passage>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&this)?.0.destination.clone())
    }

    fn hops(&mut self, this: Resource<Passage>) -> wasmtime::Result<u32> {
        Ok(self.table.get(&this)?.0.hops)
    }

    fn drop(&mut self, this: Resource<Passage>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
