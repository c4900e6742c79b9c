//! Pixels, pulled frame by frame; they stay outside the sandbox until they are read.

use isocenter_role::{self as role, FrameTrouble};
use wasmtime::component::Resource;

use crate::bindings::isocenter::dicom::pixels;
use crate::call::Call;
use crate::host::object::Object;

/// Bytes of one read.
pub(crate) const MOST_READ: u32 = 1 << 20;
/// Bytes of all frames that one call has open.
pub(crate) const MOST_OPEN: usize = 512 << 20;

/// Behind the handle `frame`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Frame(role::Frame);

/// Bytes of the frames that a call has open.
#[derive(Debug, Default)]
pub(crate) struct FrameBytes(usize);

/// `len` bytes from `offset`; shorter at the end, empty past it.
pub(crate) fn slice(bytes: &[u8], offset: u64, len: u32) -> Vec<u8> {
    let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    let to = from.saturating_add(len.min(MOST_READ) as usize).min(bytes.len());
    bytes.get(from..to).unwrap_or_default().to_vec()
}

impl pixels::HostFrame for Call {
    fn rows(&mut self, this: Resource<Frame>) -> wasmtime::Result<u32> {
        Ok(self.table.get(&this)?.0.rows)
    }

    fn columns(&mut self, this: Resource<Frame>) -> wasmtime::Result<u32> {
        Ok(self.table.get(&this)?.0.columns)
    }

    fn samples(&mut self, this: Resource<Frame>) -> wasmtime::Result<u16> {
        Ok(self.table.get(&this)?.0.samples)
    }

    fn bits_allocated(&mut self, this: Resource<Frame>) -> wasmtime::Result<u16> {
        Ok(self.table.get(&this)?.0.bits_allocated)
    }

    fn is_signed(&mut self, this: Resource<Frame>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&this)?.0.signed)
    }

    fn len(&mut self, this: Resource<Frame>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&this)?.0.bytes.len() as u64)
    }

    fn read(&mut self, this: Resource<Frame>, offset: u64, len: u32) -> wasmtime::Result<Vec<u8>> {
        Ok(slice(&self.table.get(&this)?.0.bytes, offset, len))
    }

    fn drop(&mut self, this: Resource<Frame>) -> wasmtime::Result<()> {
        let frame = self.table.delete(this)?;
        self.frames.0 = self.frames.0.saturating_sub(frame.0.bytes.len());
        Ok(())
    }
}

impl pixels::Host for Call {
    fn frames(&mut self, of: Resource<Object>) -> wasmtime::Result<u32> {
        let object = self.table.get(&of)?;
        Ok(object.frames.as_ref().map_or(0, |frames| frames.count()))
    }

    async fn open(
        &mut self,
        of: Resource<Object>,
        index: u32,
        form: pixels::Form,
    ) -> wasmtime::Result<Result<Resource<Frame>, pixels::Trouble>> {
        let Some(frames) = self.table.get(&of)?.frames.clone() else {
            return Ok(Err(pixels::Trouble::NoPixels));
        };
        let form = match form {
            pixels::Form::Stored => role::Form::Stored,
            pixels::Form::Decoded => role::Form::Decoded,
        };
        match self.waiting(frames.open(index, form)).await {
            Ok(frame) => {
                self.frames.0 = self.frames.0.saturating_add(frame.bytes.len());
                if self.frames.0 > MOST_OPEN {
                    return Err(wasmtime::Error::msg("frames of more than 512 MiB are open"));
                }
                Ok(Ok(self.table.push(Frame(frame))?))
            }
            Err(FrameTrouble::NoPixels) => Ok(Err(pixels::Trouble::NoPixels)),
            Err(FrameTrouble::NoSuchFrame) => Ok(Err(pixels::Trouble::NoSuchFrame)),
            Err(FrameTrouble::UnsupportedSyntax) => Ok(Err(pixels::Trouble::UnsupportedSyntax)),
            Err(FrameTrouble::Corrupt(_)) => Ok(Err(pixels::Trouble::Corrupt)),
        }
    }
}
