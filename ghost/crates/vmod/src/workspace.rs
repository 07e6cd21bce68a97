//! Memory that lives as long as a task of Varnish.

use std::ffi::{c_char, c_void};
use std::mem;

use varnish::ffi;

/// What Varnish itself still needs where a task goes wrong, such as the header of an error's answer.
const RESERVE: usize = 512;

/// Allocates `size` bytes; none where the workspace is used up. Other than by WS_Alloc alone, the workspace
/// is not marked as overflowed then, which would fail the task instead of its request.
///
/// # Safety
/// `workspace` belongs to the running task.
pub unsafe fn allocate(workspace: *mut ffi::ws, size: usize) -> Option<*mut c_void> {
    // SAFETY: as promised; WS_Alloc checks its structure.
    unsafe {
        let free = ((*workspace).e as usize).saturating_sub((*workspace).f as usize);
        if size.checked_add(mem::align_of::<u64>() + RESERVE)? > free {
            return None;
        }
        let memory = ffi::WS_Alloc(workspace, u32::try_from(size).ok()?);
        (!memory.is_null()).then_some(memory)
    }
}

/// A C string of these parts; none where the workspace is used up.
///
/// # Safety
/// `workspace` belongs to the running task.
pub unsafe fn string(workspace: *mut ffi::ws, parts: &[&[u8]]) -> Option<*const c_char> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    // SAFETY: as promised; the memory has room for every part and the NUL, and overlaps none of them, as it is new.
    unsafe {
        let memory = allocate(workspace, length + 1)?.cast::<u8>();
        let mut end = memory;
        for part in parts {
            end.copy_from_nonoverlapping(part.as_ptr(), part.len());
            end = end.add(part.len());
        }
        end.write(0);
        Some(memory.cast())
    }
}
