//! Runs a WGSL template on the device of a tensor: fills it in, checks what it is given, dispatches it.
//!
//! Bindings are numbered inputs first, then outputs, then one uniform with the sizes. The uniform is cached
//! by its content, so that a training loop uploads it once.

use burn::backend::wgpu::{CubeTensor, KernelSource, SourceKernel, SourceTemplate};
use burn::tensor::{Bytes, DType, Shape};
use burn_cubecl::cubecl::ir::attributes::BufferIOAttr;
use burn_cubecl::cubecl::prelude::{ExecutionMode, KernelId};
use burn_cubecl::cubecl::server::{KernelArguments, MetadataBindingInfo};
use burn_cubecl::cubecl::{CubeCount, CubeDim};

/// Threads of a workgroup, unless a shader says otherwise: two warps on NVIDIA, one wave on AMD, and small enough for every device.
const WORKGROUP: u32 = 64;

/// WebGPU promises this many workgroups in each dimension of a dispatch, and devices have no more.
const MAX_WORKGROUPS: u32 = 65_535;

/// A WGSL template with the values of its `{{ }}` places.
#[derive(Clone, Debug)]
pub(super) struct Shader {
    name: &'static str,
    template: &'static str,
    /// What stands behind the template, filled in with the same values.
    rest: &'static str,
    workgroup: u32,
    values: Vec<(&'static str, String)>,
}

impl Shader {
    pub(super) fn new(name: &'static str, template: &'static str) -> Self {
        Self { name, template, rest: "", workgroup: WORKGROUP, values: Vec::new() }
    }

    /// With another template behind the first.
    pub(super) fn followed_by(self, rest: &'static str) -> Self {
        Self { rest, ..self }
    }

    /// With another number of threads in a workgroup.
    pub(super) fn of_threads(self, workgroup: usize) -> Self {
        Self { workgroup: as_u32(workgroup), ..self }
    }

    /// Fills the place `{{ key }}`.
    pub(super) fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        self.values.push((key, value.to_string()));
        self
    }

    /// The name and the values that are short enough to tell variants apart.
    pub(super) fn describe(&self) -> String {
        let values = self.values.iter().filter(|(_, value)| !value.is_empty() && value.len() <= 8);
        values.fold(self.name.to_owned(), |text, (key, value)| format!("{text} {key}={value}"))
    }

    /// The WGSL that the driver compiles.
    pub(super) fn complete(&self) -> String {
        self.source().complete()
    }
}

impl KernelSource for Shader {
    fn source(&self) -> SourceTemplate {
        let template = SourceTemplate::new(format!("{}{}", self.template, self.rest));
        let template = template.register("workgroup", self.workgroup.to_string());
        self.values.iter().fold(template, |template, (key, value)| template.register(*key, value))
    }

    /// Pipelines are cached under this. All the values are in it, so that no variant runs as another.
    fn id(&self) -> KernelId {
        let info = (self.name, self.workgroup, self.values.clone());
        let id = KernelId::new::<Self>().info(info).cube_dim(CubeDim::new_1d(self.workgroup).0);
        // Otherwise every loop gets a counter of its own to end it. Ours end, and the innermost must be short.
        id.mode(ExecutionMode::Unchecked)
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

/// A word of the uniform.
#[derive(Clone, Copy)]
pub(super) enum Word {
    Size(usize),
    Int(i32),
    Float(f32),
}

impl Word {
    fn bits(self) -> u32 {
        match self {
            Self::Size(size) => as_u32(size),
            Self::Int(value) => value.cast_unsigned(),
            Self::Float(value) => value.to_bits(),
        }
    }
}

/// An output tensor on the device of `like`, its content whatever the memory held before.
pub(super) fn empty_like(like: &CubeTensor, shape: Shape, dtype: DType) -> CubeTensor {
    let handle = like.client.empty(shape.num_elements() * dtype.size());
    CubeTensor::new_contiguous(like.client.clone(), like.device.clone(), shape, handle, dtype)
}

/// `bytes` as 32-bit words on the device of `like`, the last one filled up with zeros.
pub(super) fn upload(like: &CubeTensor, bytes: &[u8]) -> CubeTensor {
    let mut words = Vec::with_capacity(bytes.len().next_multiple_of(4));
    words.extend_from_slice(bytes);
    words.resize(bytes.len().next_multiple_of(4), 0);
    let shape = Shape::new([words.len() / 4]);
    let handle = like.client.create(Bytes::from_bytes_vec(words));
    CubeTensor::new_contiguous(like.client.clone(), like.device.clone(), shape, handle, DType::U32)
}

/// Runs `shader` with `threads` threads. The uniform starts with the number of threads and the number of
/// threads in a row of workgroups; `params` follow.
///
/// # Panics
/// When a tensor is not contiguous, not of 32-bit numbers, on another device, or too large for one binding: mistakes of the
/// caller that would otherwise read or write memory of another tensor.
pub(super) fn launch(
    shader: Shader,
    inputs: &[&CubeTensor],
    outputs: &[&CubeTensor],
    params: &[Word],
    threads: usize,
) {
    if threads == 0 {
        return;
    }
    let (columns, rows) = grid(threads, shader.workgroup);
    let head = [Word::Size(threads), Word::Size((columns * shader.workgroup) as usize)];
    let words: Vec<Word> = head.iter().chain(params).copied().collect();
    launch_groups(shader, inputs, outputs, &words, [columns, rows, 1]);
}

/// Runs `shader` with this many workgroups each way; the uniform is `params` alone.
///
/// # Panics
/// As [`launch`], and for more than 65,535 workgroups in one direction.
pub(super) fn launch_groups(
    shader: Shader,
    inputs: &[&CubeTensor],
    outputs: &[&CubeTensor],
    params: &[Word],
    groups: [u32; 3],
) {
    assert!(groups.iter().all(|&count| count <= MAX_WORKGROUPS), "{}: {groups:?} workgroups", shader.name);
    let client = inputs[0].client.clone();
    let limit = client.properties().memory.max_page_size;
    for tensor in inputs.iter().chain(outputs) {
        assert!(tensor.is_contiguous(), "{}: a tensor is not contiguous", shader.name);
        assert!(
            matches!(tensor.dtype, DType::F32 | DType::I32 | DType::U32),
            "{}: a tensor of {:?}, where the shader counts in 32 bits",
            shader.name,
            tensor.dtype,
        );
        inputs[0].assert_is_on_same_device(tensor);
        let bytes = (tensor.meta.num_elements() * tensor.dtype.size()) as u64;
        assert!(
            bytes <= limit,
            "{}: a tensor of {} MiB, but this device binds at most {} MiB at once; let fewer pictures pass through \
             the network at once (optim.micro_batch), or take a network whose layers have fewer outputs",
            shader.name,
            bytes.div_ceil(1 << 20),
            limit >> 20,
        );
    }
    let bindings = inputs.iter().map(|tensor| (tensor, BufferIOAttr::ReadOnly));
    let bindings = bindings.chain(outputs.iter().map(|tensor| (tensor, BufferIOAttr::WriteOnly)));
    let arguments = bindings
        .fold(KernelArguments::new(), |all, (tensor, io)| {
            all.with_buffer_io(tensor.handle.clone().binding(), io)
        })
        .with_info(MetadataBindingInfo::custom(pack(params.iter().map(|word| word.bits()))));
    let workgroup = CubeDim::new_1d(shader.workgroup);
    let [x, y, z] = groups;
    client.launch(Box::new(SourceKernel::new(shader, workgroup)), CubeCount::Static(x, y, z), arguments);
}

/// Workgroups for `threads` threads as columns and rows, neither above [`MAX_WORKGROUPS`].
pub(super) fn grid(threads: usize, workgroup: u32) -> (u32, u32) {
    let groups = as_u32(threads).div_ceil(workgroup);
    let rows = groups.div_ceil(MAX_WORKGROUPS);
    // Evenly filled rows leave less than one idle workgroup a row.
    (groups.div_ceil(rows), rows)
}

/// Pairs of words as the runtime takes them, padded to the 16 bytes that a uniform is a multiple of.
fn pack(words: impl Iterator<Item = u32>) -> Vec<u64> {
    let mut bytes: Vec<u8> = words.flat_map(u32::to_ne_bytes).collect();
    bytes.resize(bytes.len().next_multiple_of(16), 0);
    bytes.as_chunks::<8>().0.iter().map(|pair| u64::from_ne_bytes(*pair)).collect()
}

pub(super) fn as_u32(size: usize) -> u32 {
    // The largest binding of any device is below 2^32 bytes, so that no size comes near.
    u32::try_from(size).expect("sizes that fit into a binding fit into 32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_covers_every_thread_within_the_limits() {
        for threads in [1, 63, 64, 65, 4_194_240, 4_194_241, 10_000_000, 1 << 30] {
            let (columns, rows) = grid(threads, WORKGROUP);
            assert!(columns <= MAX_WORKGROUPS && rows <= MAX_WORKGROUPS, "{threads}: {columns} x {rows}");
            let made = u64::from(columns) * u64::from(rows) * u64::from(WORKGROUP);
            assert!(made >= threads as u64, "{threads}: only {made} threads");
            assert!(made < threads as u64 + u64::from(WORKGROUP * (rows + 1)), "{threads}: {made} threads");
        }
    }

    #[test]
    fn the_key_of_a_pipeline_holds_every_value() {
        let shader = |value| Shader::new("a", "{{ x }}").with("x", value);
        assert_eq!(shader(1).id(), shader(1).id());
        assert_ne!(shader(1).id(), shader(2).id());
        assert_ne!(shader(1).id(), Shader::new("b", "{{ x }}").with("x", 1).id());
    }

    #[test]
    fn the_uniform_keeps_the_order_of_its_words() {
        let words = [1_u32, 2, 3, 4, 5];
        let bytes: Vec<u8> = pack(words.into_iter()).iter().flat_map(|pair| pair.to_ne_bytes()).collect();
        assert_eq!(bytes.len(), 32);
        for (index, word) in words.into_iter().enumerate() {
            assert_eq!(bytes[4 * index..4 * index + 4], word.to_ne_bytes());
        }
    }
}
