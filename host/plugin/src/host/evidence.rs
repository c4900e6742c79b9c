//! What a caller shows: of a request, of an association, of one access.

use std::sync::Arc;

use base64::Engine as _;
use isocenter_role as role;
use wasmtime::component::Resource;

use crate::bindings::isocenter::auth::{evidence, identity};
use crate::call::Call;

/// Behind the handle `credentials`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Credentials(pub(crate) Arc<role::Credentials>);

/// Behind the handle `association`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Association(pub(crate) Arc<role::Applicant>);

/// Behind the handle `access`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Access(pub(crate) role::Access);

impl Credentials {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .0
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// What follows the scheme in `Authorization` (RFC 9110 §11.4), whose case does not matter.
    fn authorization(&self, scheme: &str) -> Option<&str> {
        let (found, rest) = self.header("authorization")?.split_once(' ')?;
        found.eq_ignore_ascii_case(scheme).then(|| rest.trim())
    }
}

impl identity::Host for Call {}

impl evidence::HostCredentials for Call {
    fn bearer(&mut self, this: Resource<Credentials>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&this)?.authorization("bearer").map(str::to_owned))
    }

    fn basic(&mut self, this: Resource<Credentials>) -> wasmtime::Result<Option<(String, String)>> {
        let decoded = self
            .table
            .get(&this)?
            .authorization("basic")
            .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
        Ok(pair.map(|(name, password)| (name.to_owned(), password.to_owned())))
    }

    fn certificate_subject(&mut self, this: Resource<Credentials>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&this)?.0.certificate_subject.clone())
    }

    fn header(&mut self, this: Resource<Credentials>, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&this)?.header(&name).map(str::to_owned))
    }

    fn peer(&mut self, this: Resource<Credentials>) -> wasmtime::Result<String> {
        let peer = self.table.get(&this)?.0.peer;
        Ok(peer.map(|peer| peer.to_string()).unwrap_or_default())
    }

    fn drop(&mut self, this: Resource<Credentials>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl evidence::HostAssociation for Call {
    fn calling_ae(&mut self, this: Resource<Association>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.0.calling_ae.clone())
    }

    fn called_ae(&mut self, this: Resource<Association>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.0.called_ae.clone())
    }

    fn peer(&mut self, this: Resource<Association>) -> wasmtime::Result<String> {
        let peer = self.table.get(&this)?.0.peer;
        Ok(peer.map(|peer| peer.to_string()).unwrap_or_default())
    }

    fn certificate_subject(&mut self, this: Resource<Association>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&this)?.0.certificate_subject.clone())
    }

    fn username(&mut self, this: Resource<Association>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&this)?.0.username.clone())
    }

    fn passcode(&mut self, this: Resource<Association>) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(self.table.get(&this)?.0.passcode.clone())
    }

    fn abstract_syntaxes(&mut self, this: Resource<Association>) -> wasmtime::Result<Vec<String>> {
        Ok(self.table.get(&this)?.0.abstract_syntaxes.clone())
    }

    fn drop(&mut self, this: Resource<Association>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl evidence::HostAccess for Call {
    fn action(&mut self, this: Resource<Access>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.0.action.as_str().to_owned())
    }

    fn study(&mut self, this: Resource<Access>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&this)?.0.study.clone())
    }

    fn attribute(&mut self, this: Resource<Access>, name: String) -> wasmtime::Result<Option<String>> {
        let access = self.table.get(&this)?;
        let found = access.0.attributes.iter().find(|(known, _)| *known == name);
        Ok(found.map(|(_, value)| value.clone()))
    }

    fn drop(&mut self, this: Resource<Access>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl evidence::Host for Call {}
