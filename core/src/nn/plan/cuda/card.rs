//! [`Card`]: launches kernels and matrix products on a graphics card, in order.

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::cuda::CudaDevice;
use candle_core::cuda::cudarc::cublas::{CudaBlas, result as blas, sys};
use candle_core::cuda::cudarc::driver::{
    CudaEvent, CudaFunction, CudaSlice, CudaStream, DevicePtr, DeviceRepr, LaunchConfig, PushKernelArg,
    ValidAsZeroBits, result,
};
use candle_core::{Device, Error, Result};

/// `kernels.cu`, compiled by build.rs.
const KERNELS: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.ptx"));
/// Threads of a block where there is one for every number.
const THREADS: usize = 256;

/// Blocks of memory begin at multiples of so many numbers.
pub(super) const ALIGN: usize = 64;

/// An address in the card's memory.
pub(super) type Address = u64;

/// The address of number `idx` of those that begin at `first`.
pub(super) fn at(first: Address, idx: usize) -> Address {
    first + (idx * size_of::<f32>()) as u64
}

/// A graphics card that computes on one stream.
pub struct Card {
    device: CudaDevice,
    stream: Arc<CudaStream>,
    /// Copies to the card while it computes.
    copies: Arc<CudaStream>,
    blas: Arc<CudaBlas>,
    /// Loaded when first launched.
    functions: Mutex<HashMap<&'static str, CudaFunction>>,
    /// Products round their factors to TF32 (10 bits).
    is_fast: bool,
}

/// Memory on the card.
pub(super) struct Block<T> {
    slice: CudaSlice<T>,
    /// Where it begins.
    pub address: Address,
}

/// Memory in which values wait until the computation is ready for them.
pub(super) struct Arriving {
    block: Block<f32>,
    /// When the last ones had left it.
    left: Option<CudaEvent>,
}

/// What a kernel is told.
#[derive(Clone, Copy)]
pub(super) enum Argument {
    Address(Address),
    Count(u32),
    Flag(i32),
    Number(f32),
}

impl From<Address> for Argument {
    fn from(address: Address) -> Self {
        Self::Address(address)
    }
}

impl From<usize> for Argument {
    fn from(count: usize) -> Self {
        Self::Count(u32::try_from(count).expect("a batch of fewer than 2^32 numbers"))
    }
}

impl From<bool> for Argument {
    fn from(flag: bool) -> Self {
        Self::Flag(flag.into())
    }
}

impl From<f32> for Argument {
    fn from(number: f32) -> Self {
        Self::Number(number)
    }
}

/// A matrix in memory, by rows: rows lie `stride` numbers apart, and so many matrices of a batch `step` apart.
#[derive(Clone, Copy)]
pub(super) struct Matrix {
    pub address: Address,
    pub stride: usize,
    pub step: usize,
    /// Read with rows and columns swapped.
    pub is_turned: bool,
}

impl Matrix {
    /// One matrix whose rows lie side by side.
    pub fn dense(address: Address, stride: usize) -> Self {
        Self { address, stride, step: 0, is_turned: false }
    }

    pub fn turned(self) -> Self {
        Self { is_turned: true, ..self }
    }

    pub fn batched(self, step: usize) -> Self {
        Self { step, ..self }
    }
}

/// `out = a b` (or `out += a b` with `add`), `[rows, inner] [inner, cols]`, `batch` times.
#[derive(Clone, Copy)]
pub(super) struct Gemm {
    pub out: Matrix,
    pub a: Matrix,
    pub b: Matrix,
    pub rows: usize,
    pub inner: usize,
    pub cols: usize,
    pub batch: usize,
    pub add: bool,
}

impl Card {
    /// The card behind `device`; `is_fast` lets products round their factors to 10 bits, as tensor cores do.
    ///
    /// # Errors
    /// A device that is no CUDA card, or one that does not take the kernels.
    pub fn new(device: &Device, is_fast: bool) -> Result<Self> {
        let device = device.as_cuda_device()?.clone();
        let (stream, blas) = (device.cuda_stream(), device.cublas_handle());
        let copies = stream.context().new_stream().map_err(Error::wrap)?;
        Ok(Self { device, stream, copies, blas, functions: Mutex::default(), is_fast })
    }

    /// Wait for everything that was launched.
    ///
    /// # Errors
    /// The card failed.
    pub fn wait(&self) -> Result<()> {
        self.stream.synchronize().map_err(Error::wrap)
    }

    /// `len` zeros.
    pub(super) fn zeros<T: DeviceRepr + ValidAsZeroBits>(&self, len: usize) -> Result<Block<T>> {
        let slice = self.stream.alloc_zeros::<T>(len.max(1)).map_err(Error::wrap)?;
        let address = slice.device_ptr(&self.stream).0;
        Ok(Block { slice, address })
    }

    pub(super) fn read<T: DeviceRepr>(&self, block: &Block<T>) -> Result<Vec<T>> {
        let values = self.stream.clone_dtoh(&block.slice).map_err(Error::wrap)?;
        self.wait()?;
        Ok(values)
    }

    /// Copy `values` to `address`, where there must be room for them.
    pub(super) fn write(&self, address: Address, values: &[f32]) -> Result<()> {
        self.stream.context().bind_to_thread().map_err(Error::wrap)?;
        // SAFETY: callers keep within memory that they hold. Pageable memory has been read when this returns.
        unsafe { result::memcpy_htod_async(address, values, self.stream.cu_stream()) }.map_err(Error::wrap)
    }

    pub(super) fn arriving(&self, len: usize) -> Result<Arriving> {
        let block = self.zeros(len)?;
        self.wait()?;
        Ok(Arriving { block, left: None })
    }

    /// Copy values to their addresses, after what was launched before, which goes on meanwhile.
    pub(super) fn bring(&self, arriving: &Mutex<Arriving>, parts: &[(Address, &[f32])]) -> Result<()> {
        let arriving = &mut *arriving.lock().unwrap_or_else(PoisonError::into_inner);
        self.stream.context().bind_to_thread().map_err(Error::wrap)?;
        if let Some(left) = &arriving.left {
            self.copies.wait(left).map_err(Error::wrap)?;
        }
        let mut waits = arriving.block.address;
        let mut moves = Vec::new();
        for (to, values) in parts {
            // SAFETY: as for `write`; the block has room for all inputs.
            unsafe { result::memcpy_htod_async(waits, values, self.copies.cu_stream()) }.map_err(Error::wrap)?;
            moves.push((*to, waits, size_of_val(*values)));
            waits = at(waits, values.len().next_multiple_of(ALIGN));
        }
        self.stream.join(&self.copies).map_err(Error::wrap)?;
        for (to, from, bytes) in moves {
            // SAFETY: as above.
            unsafe { result::memcpy_dtod_async(to, from, bytes, self.stream.cu_stream()) }.map_err(Error::wrap)?;
        }
        arriving.left = Some(self.stream.record_event(None).map_err(Error::wrap)?);
        Ok(())
    }

    /// Copy `len` numbers from `address`.
    pub(super) fn fetch(&self, address: Address, len: usize) -> Result<Vec<f32>> {
        self.stream.context().bind_to_thread().map_err(Error::wrap)?;
        let mut values = vec![0.0f32; len];
        // SAFETY: as above; the copy has ended after the wait.
        unsafe { result::memcpy_dtoh_async(&mut values, address, self.stream.cu_stream()) }.map_err(Error::wrap)?;
        self.wait()?;
        Ok(values)
    }

    /// Set `bytes` of memory to zero.
    pub(super) fn clear(&self, address: Address, bytes: usize) -> Result<()> {
        self.stream.context().bind_to_thread().map_err(Error::wrap)?;
        // SAFETY: as above.
        unsafe { result::memset_d8_async(address, 0, bytes, self.stream.cu_stream()) }.map_err(Error::wrap)
    }

    /// Launch a kernel of `count` independent numbers.
    pub(super) fn each(&self, name: &'static str, count: usize, arguments: &[Argument]) -> Result<()> {
        self.launch(name, [count.div_ceil(THREADS).clamp(1, 1 << 20), 1, 1], [THREADS, 1], arguments)
    }

    /// Launch a kernel.
    pub(super) fn launch(
        &self,
        name: &'static str,
        grid: [usize; 3],
        block: [usize; 2],
        arguments: &[Argument],
    ) -> Result<()> {
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if !functions.contains_key(name) {
            let loaded = self.device.get_or_load_custom_func(name, "brownian", KERNELS)?;
            functions.insert(name, loaded.into_cuda_function());
        }
        let [x, y, z] = grid.map(|n| n as u32);
        let config =
            LaunchConfig { grid_dim: (x, y, z), block_dim: (block[0] as u32, block[1] as u32, 1), shared_mem_bytes: 0 };
        let mut builder = self.stream.launch_builder(&functions[name]);
        for argument in arguments {
            match argument {
                Argument::Address(value) => builder.arg(value),
                Argument::Count(value) => builder.arg(value),
                Argument::Flag(value) => builder.arg(value),
                Argument::Number(value) => builder.arg(value),
            };
        }
        // SAFETY: the callers' arguments are those of the kernel, and their addresses those of memory that they hold.
        unsafe { builder.launch(config) }.map(drop).map_err(Error::wrap)
    }

    /// A batch of matrix products.
    pub(super) fn gemm(&self, product: Gemm) -> Result<()> {
        let Gemm { out, a, b, rows, inner, cols, batch, add } = product;
        let (alpha, beta) = (1.0f32, if add { 1.0f32 } else { 0.0 });
        let turn = |matrix: Matrix| match matrix.is_turned {
            true => sys::cublasOperation_t::CUBLAS_OP_T,
            false => sys::cublasOperation_t::CUBLAS_OP_N,
        };
        let compute = match self.is_fast {
            true => sys::cublasComputeType_t::CUBLAS_COMPUTE_32F_FAST_TF32,
            false => sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
        };
        let f32s = sys::cudaDataType_t::CUDA_R_32F;
        // By columns, as cuBLAS reads memory, all three are turned: out' = b' a'.
        // SAFETY: as for kernels.
        unsafe {
            blas::gemm_strided_batched_ex(
                *self.blas.handle(),
                turn(b),
                turn(a),
                cols as i32,
                rows as i32,
                inner as i32,
                (&raw const alpha).cast(),
                b.address as *const c_void,
                f32s,
                b.stride as i32,
                b.step as i64,
                a.address as *const c_void,
                f32s,
                a.stride as i32,
                a.step as i64,
                (&raw const beta).cast(),
                out.address as *mut c_void,
                f32s,
                out.stride as i32,
                out.step as i64,
                batch as i32,
                compute,
                sys::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT,
            )
        }
        .map_err(Error::wrap)
    }
}

/// Sums in double precision that kernels add to.
pub struct Sums(Block<f64>);

impl Sums {
    /// `len` of them.
    ///
    /// # Errors
    /// No memory on the card.
    pub fn new(card: &Card, len: usize) -> Result<Self> {
        card.zeros(len).map(Self)
    }

    pub(super) fn address(&self, idx: usize) -> Address {
        self.0.address + (idx * size_of::<f64>()) as u64
    }

    /// Set all to zero.
    ///
    /// # Errors
    /// The card failed.
    pub fn clear(&self, card: &Card) -> Result<()> {
        card.clear(self.0.address, self.0.slice.len() * size_of::<f64>())
    }

    /// The sums, when everything launched has ended.
    ///
    /// # Errors
    /// The card failed.
    pub fn read(&self, card: &Card) -> Result<Vec<f64>> {
        card.read(&self.0)
    }
}
