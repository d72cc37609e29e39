/*===- gradus.h - The C ABI of compiled Gradus specs ----------------------------===*
 *
 * Plain C99. An application owns every buffer; a call allocates nothing, keeps no global, never aborts and returns a
 * code. The header that `gradus build` writes for a spec includes this one.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_H
#define GRADUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Raised whenever a struct or a meaning below changes. */
#define GRADUS_ABI_VERSION 6
/** The most axes an array has. */
#define GRADUS_MAX_RANK 8

/*===- Tensors --------------------------------------------------------------------===*/

/** Element types. */
typedef enum gradus_dtype {
  GRADUS_F16 = 1,
  GRADUS_BF16 = 2,
  GRADUS_F32 = 3,
  GRADUS_F64 = 4,
  GRADUS_I32 = 5,
  GRADUS_I64 = 6,
  GRADUS_BOOL = 7, /**< one byte, 0 or 1 */
  GRADUS_BLOCKS = 16 /**< real numbers as codes of 8 bits: GRADUS_BLOCKS + k, 4 <= k <= 12, has blocks of 2^k numbers, each a float, its scale,
                          and then a byte for each number; the last block may have fewer. See gradus_encode */
} gradus_dtype;

/** Device types, with DLPack's numbers. */
typedef enum gradus_device_type { GRADUS_CPU = 1, GRADUS_CUDA = 2, GRADUS_VULKAN = 7 } gradus_device_type;

/**
 * A view of the caller's memory. Convertible to and from DLPack's DLTensor field by field (gradus_dlpack.h).
 * `strides` counts elements and may be null for row-major contiguous data; anything else is refused.
 * `data` must be aligned to its element, blocks of codes to 4 bytes; 64 bytes is the fast path. On a device it is a device address.
 */
typedef struct gradus_tensor {
  void *data;
  const int64_t *dims;    /**< `rank` sizes */
  const int64_t *strides; /**< null, or `rank` strides in elements */
  int32_t rank;
  int32_t dtype;       /**< gradus_dtype */
  int32_t device_type; /**< gradus_device_type */
  int32_t device_id;
} gradus_tensor;

/*===- Errors ---------------------------------------------------------------------===*/

/** Results of every call; the numbers are stable. */
typedef enum gradus_status {
  GRADUS_OK = 0,
  GRADUS_ERROR_NULL = 1,       /**< a pointer that is needed is null */
  GRADUS_ERROR_DTYPE = 2,      /**< an element type other than the compiled one */
  GRADUS_ERROR_RANK = 3,       /**< the wrong number of axes */
  GRADUS_ERROR_SHAPE = 4,      /**< a size that disagrees with another argument or with the spec */
  GRADUS_ERROR_STRIDE = 5,     /**< not contiguous */
  GRADUS_ERROR_ALIGNMENT = 6,  /**< not aligned to its element */
  GRADUS_ERROR_DEVICE = 7,     /**< a device or a processor that this library has no code for, that is not there or that fails */
  GRADUS_ERROR_OVERLAP = 8,    /**< a buffer that is written overlaps another argument */
  GRADUS_ERROR_INTERVAL = 9,   /**< a hyper-parameter outside its interval, or not a number */
  GRADUS_ERROR_WORKSPACE = 10, /**< a workspace too small or not aligned to 64 bytes */
  GRADUS_ERROR_INDEX = 11,     /**< an index in the data outside its axis */
  GRADUS_ERROR_VERSION = 12,   /**< an artifact of another ABI version */
  GRADUS_ERROR_STEP = 13,      /**< t is 0: steps count from 1 */
  GRADUS_ERROR_OVERFLOW = 14,  /**< sizes whose product does not fit */
  GRADUS_ERROR_IO = 15,        /**< a file could not be read or written */
  GRADUS_ERROR_FORMAT = 16,    /**< a file that is not what it should be */
  GRADUS_ERROR_WORKERS = 17,   /**< another worker refused its part of the step, or could not be reached */
  GRADUS_ERROR_NONFINITE = 18  /**< the guard of a step found a NaN or an infinity: nothing has moved, and the next call has the same t */
} gradus_status;

/** What went wrong, for people and for programs. Strings live as long as the artifact. */
typedef struct gradus_error {
  int32_t status;       /**< gradus_status */
  const char *entry;    /**< the entry point called */
  const char *argument; /**< the tensor or hyper-parameter concerned, or null */
  size_t slot;          /**< index into the array of slots */
  int32_t dimension;    /**< the axis concerned, or -1 */
  int64_t element;      /**< the element concerned, in row-major order, or -1 */
  double expected;      /**< the size, bound or code expected */
  double got;
  char message[256]; /**< all of the above in one sentence */
} gradus_error;

/*===- Linear algebra -------------------------------------------------------------===*/

/** What is known about the matrix of a system. */
typedef enum gradus_matrix_kind {
  GRADUS_GENERAL = 0,
  GRADUS_LOWER = 1,   /**< triangular: only that triangle is read */
  GRADUS_UPPER = 2,
  GRADUS_POSITIVE = 3 /**< symmetric and positive definite: only the lower triangle is read */
} gradus_matrix_kind;

/** The functions of gradus_linear_algebra, for gradus_matrix_workspace. */
typedef enum gradus_matrix_function {
  GRADUS_CHOLESKY = 0,
  GRADUS_SOLVE = 1,
  GRADUS_LOGDET = 2,
  GRADUS_QR = 3,
  GRADUS_EIGH = 4,
  GRADUS_SVD = 5
} gradus_matrix_function;

/**
 * Who factors and multiplies matrices. Elements are GRADUS_F32 or GRADUS_F64. A function that factors works on one matrix, row-major, without gaps, with
 * finite elements and at least one row and column; it writes its results alone and uses `workspace` (gradus_matrix_workspace bytes, aligned to 64). It
 * returns 1, or 0 where there is no result. The same arguments must always give the same bits, on whichever thread. A null member: Gradus's own.
 */
typedef struct gradus_linear_algebra {
  /** L with L L^T = A, and zeros above the diagonal. 0: not positive definite. */
  int32_t (*cholesky)(int32_t dtype, int64_t n, const void *a, void *l, void *workspace);
  /** X [n, columns] with A X = B, or A^T X = B. 0: a pivot is exactly 0, or the matrix is not positive definite. */
  int32_t (*solve)(int32_t dtype, int32_t kind, int32_t transposed, int64_t n, int64_t columns, const void *a, const void *b, void *x,
                   void *workspace);
  /** ln |det A| and the sign of det A. 0: a pivot is exactly 0. */
  int32_t (*logdet)(int32_t dtype, int64_t n, const void *a, double *value, double *sign, void *workspace);
  /** Q [rows, k] and R [k, columns], k the smaller number, with Q R = A. Signs as they come. */
  int32_t (*qr)(int32_t dtype, int64_t rows, int64_t columns, const void *a, void *q, void *r, void *workspace);
  /** Eigenvalues, ascending, and in the columns of `vectors` [n, n] what belongs to them. Signs as they come. */
  int32_t (*eigh)(int32_t dtype, int64_t n, const void *a, void *values, void *vectors, void *workspace);
  /** U [rows, k], s [k], descending, V [columns, k] with U diag(s) V^T = A. Signs as they come. */
  int32_t (*svd)(int32_t dtype, int64_t rows, int64_t columns, const void *a, void *u, void *s, void *v, void *workspace);
  /**
   * Y [rows, columns] = A [rows, inner] B [inner, columns], no size 0, all elements of Y. What follows an operand are the elements from one of its rows, and
   * from one of its columns, to the next; Y lies in rows. 0: not done, and Y may be anything; then Gradus's own does it. Called by the thread of the call.
   */
  int32_t (*product)(int32_t dtype, int64_t rows, int64_t columns, int64_t inner, const void *a, int64_t a_row, int64_t a_column, const void *b,
                     int64_t b_row, int64_t b_column, void *y, int64_t y_row);
} gradus_linear_algebra;

/*===- Workers --------------------------------------------------------------------===*/

/** How workers combine what they have. */
typedef enum gradus_combination { GRADUS_SUM = 0, GRADUS_PRODUCT = 1, GRADUS_MAX = 2, GRADUS_MIN = 3 } gradus_combination;

/**
 * The workers of a run, of which the caller is one. All of them make the same calls in the same order, with the same hyper-parameters, t and
 * shapes of what they reduce. A hook returns when the other workers have come by, 1 where it succeeded and else 0; what fails for one worker
 * must fail for all that it concerns, or they wait for ever. Elements are GRADUS_F32, GRADUS_F64 or GRADUS_I64. Hooks are called by the
 * thread that called the entry, one after the other.
 */
typedef struct gradus_workers {
  void *user;     /**< passed to the hooks */
  int64_t count;  /**< how many there are, at least 1 */
  int64_t number; /**< of this one, from 0 on */
  /** Each element of `data` becomes the combination of what the workers have there, in the order of their numbers: all get the same bits. */
  int32_t (*reduce)(void *user, int32_t combination, int32_t dtype, int64_t count, void *data);
  /** Gives `give` to worker `peer`, which calls the same for this one, and takes what that gives. */
  int32_t (*exchange)(void *user, int64_t peer, int32_t dtype, int64_t count, const void *give, void *take);
  int64_t neighbours; /**< how many workers are neighbours of this one, itself among them: at least 1 */
  /** Each element of `data` becomes the combination of what this worker and its other neighbours have there, in the order of their numbers. */
  int32_t (*reduce_neighbours)(void *user, int32_t combination, int32_t dtype, int64_t count, void *data);
} gradus_workers;

/*===- Context --------------------------------------------------------------------===*/

/** Work on the half-open range [begin, end); never called twice for one index. */
typedef void (*gradus_body)(void *closure, int64_t begin, int64_t end);

/**
 * What a call may use of the application. A null context, or a null member, means: serial, silent.
 * The context is read only; one may serve many threads if its hooks may.
 */
typedef struct gradus_context {
  void *user; /**< passed to every hook */
  /** Runs body over [0, count) in pieces, perhaps in parallel, and returns when all are done. */
  void (*parallel_for)(void *user, int64_t count, gradus_body body, void *closure);
  /** Told of every error before the call returns its code. */
  void (*error)(void *user, const gradus_error *error);
  /** One line of information, never during a step. */
  void (*log)(void *user, const char *line);
  /** For convenience functions only (gradus_checkpoint_*); a step never allocates. Null: malloc and free. */
  void *(*allocate)(void *user, size_t bytes, size_t alignment);
  void (*release)(void *user, void *pointer, size_t bytes);
  /** Factors and multiplies matrices. Null: Gradus's own functions, which need no library; gradus_lapack() is faster on large matrices. */
  const gradus_linear_algebra *linear_algebra;
  /** Whom `mean[workers](x)`, `sum[neighbours](x)` and `exchange(x, j)` ask. Null: this is the only worker, number 0. */
  const gradus_workers *workers;
  /** Where entries of a device record their work (gradus_device.h). Null: only entries of the CPU can be called. */
  const struct gradus_device *device;
} gradus_context;

/**
 * What a call reports; every field is written when the call succeeds, and when the guard refuses a step (GRADUS_ERROR_NONFINITE). A call that records
 * on a device knows no more than t: the device reports the rest (gradus_device_report).
 */
typedef struct gradus_report {
  double value;      /**< the loss at the parameters before the step; NaN where the entry has none, and of a refused step */
  uint64_t t;        /**< the step that was committed, or refused */
  int32_t committed; /**< 1 if everything moved, 0 if nothing did, -1 where it is recorded on a device */
  int32_t reserved;  /**< of a refused step 1 + the number of the argument that is not finite, else 0 */
  uint64_t slot;     /**< of a refused step the slot of that argument */
  int64_t element;   /**< of a refused step the first element that is not finite, in row-major order, or -1 where it is not known */
  const char *what;  /**< of a refused step what is not finite: "the gradient of 'W'"; else null. Lives as long as the artifact */
} gradus_report;

/*===- Entries --------------------------------------------------------------------===*/

/** What a tensor argument is for. */
typedef enum gradus_role {
  GRADUS_PARAM = 0,
  GRADUS_GRAD = 1,
  GRADUS_STATE = 2,
  GRADUS_INPUT = 3,
  GRADUS_DATA = 4,
  GRADUS_OUTPUT = 5,
  GRADUS_REPORT = 6 /**< written, for who wants to see it: never needed for the next call */
} gradus_role;

/** What holds for a tensor argument; bits of gradus_argument.flags. */
typedef enum gradus_argument_flag {
  GRADUS_WRITTEN = 1,  /**< the call writes it */
  GRADUS_SHARED = 2,   /**< one for all slots: the descriptor in slot 0 is taken, those in later slots are not looked at */
  GRADUS_OPTIONAL = 4  /**< its data may be null, and then nothing else of its descriptor is looked at: an input takes its default, a
                            report is not written */
} gradus_argument_flag;

/** One tensor argument of an entry. `dims[k]` is the symbol (an index into `symbols`) or -1 - size for a fixed size. */
typedef struct gradus_argument {
  const char *name;
  int32_t role;    /**< gradus_role */
  int32_t dtype;   /**< gradus_dtype */
  int32_t rank;    /**< number of axes, or -1: any, and all such arguments of one symbol have one shape */
  int32_t flags;   /**< gradus_argument_flag */
  int32_t dims[GRADUS_MAX_RANK];
} gradus_argument;

/** One hyper-parameter; all are double in the hyper struct, in this order. Integers and booleans are checked to be whole. */
typedef struct gradus_hyper {
  const char *name;
  double initial; /**< the default, or NaN where the caller must give one */
  double low, high;
  int32_t low_closed, high_closed;
  int32_t is_integer;
  int32_t reserved;
} gradus_hyper;

/**
 * The compiled code of an entry. Everything is checked, the workspace is large enough, `report` is never null and holds a
 * NaN as value. Returns a gradus_status: GRADUS_ERROR_DEVICE where it has no code for this machine; the least level that would do is then in
 * report->reserved (gradus_cpu_level). A kernel that refuses (GRADUS_ERROR_INDEX) has written no tensor; it
 * leaves the offending number in report->value, or NaN, and in report->reserved 1 + the number of the argument that it indexes (0: not known),
 * plus 2^16 (1 + the axis) where that is known. One that refuses with GRADUS_ERROR_NONFINITE leaves report->what and perhaps report->element.
 * That of an entry of a device records work on context->device; addresses and workspace are the device's, and it returns what a hook returns that fails.
 */
typedef int32_t (*gradus_kernel)(const gradus_context *context, const double *hyper, uint64_t t, uint64_t seed,
                                 const gradus_tensor *tensors, size_t n_slots, char *workspace, gradus_report *report);
/** The bytes of workspace that the kernel needs for these tensors; may look at their sizes, not at their data. */
typedef size_t (*gradus_workspace_size)(const gradus_tensor *tensors, size_t n_slots);

/** A compiled entry: constant data in the artifact that says how it may be called. */
typedef struct gradus_entry {
  int32_t abi_version;
  int32_t n_arguments; /**< tensors in one slot */
  int32_t n_hypers;
  int32_t n_symbols;
  int32_t takes_time; /**< 1 if t counts steps from 1 */
  int32_t is_open;    /**< 1 if any number of slots may be given, else exactly 1 */
  const char *name;
  const gradus_argument *arguments;
  const gradus_hyper *hypers;
  const double *defaults; /**< the n_hypers values `initial` in a row, null where there is none */
  const char *const *symbols;
  gradus_kernel kernel;
  gradus_workspace_size workspace_size; /**< null: the kernel needs none */
  uint64_t content;                     /**< the content hash of the artifact, as in its header's ..._ABI */
  int32_t device_type;                  /**< gradus_device_type: where tensors and workspace lie */
  int32_t n_guards;
  const struct gradus_device_module *module; /**< the kernels of an entry of a device (gradus_device.h), null on the CPU */
  const char *const *guards; /**< n_guards texts that gradus_device_report.what counts: "the gradient of 'W'"; null where there is none */
} gradus_entry;

/**
 * Checks everything that can be wrong with a call, then runs the kernel. No byte of a tensor or of the report is written
 * unless all checks pass; the workspace is scratch from the start.
 * `hyper` points to n_hypers doubles, or is null for the defaults. `tensors` are n_slots times n_arguments; the data of
 * a tensor without elements may be null. Symbols are bound anew in every slot.
 * What is shared is taken from slot 0; what is optional may have null data (gradus_argument_flag).
 * `workspace` has gradus_workspace(entry, ..) bytes, aligned to 64; null if that is 0. `report` may be null.
 * An entry of a device needs context->device, and tensors and workspace in its memory; the call returns when the work is recorded.
 */
gradus_status gradus_call(const gradus_entry *entry, const gradus_context *context, const void *hyper, uint64_t t, uint64_t seed,
                          const gradus_tensor *tensors, size_t n_slots, void *workspace, size_t workspace_bytes,
                          gradus_report *report);
/** The bytes of workspace a call needs; SIZE_MAX where the tensors' types or shapes would be refused. Data may be null. */
size_t gradus_workspace(const gradus_entry *entry, const gradus_tensor *tensors, size_t n_slots);
/** Fills n_hypers doubles with the defaults; NaN where there is none. */
void gradus_hyper_defaults(const gradus_entry *entry, void *hyper);
/** A hash of the names, roles, types and shapes of parameters and state: what a checkpoint of the entry depends on. */
uint64_t gradus_schema(const gradus_entry *entry);

/** The bytes of workspace that a function of gradus_linear_algebra has for one matrix, a multiple of 64. */
int64_t gradus_matrix_workspace(int32_t function, int32_t dtype, int64_t rows, int64_t columns);

/*
 * What compiled code calls, for one matrix: `with` is the member of the context, null for the runtime's own functions. Matrices that are not finite or
 * have no elements go no further, results get the signs that the language promises, and where there is none (the value 0) all are NaN.
 */
int32_t gradus_matrix_cholesky(const gradus_linear_algebra *with, int32_t dtype, int64_t n, const void *a, void *l, void *workspace);
int32_t gradus_matrix_solve(const gradus_linear_algebra *with, int32_t dtype, int32_t kind, int32_t transposed, int64_t n, int64_t columns,
                            const void *a, const void *b, void *x, void *workspace);
int32_t gradus_matrix_logdet(const gradus_linear_algebra *with, int32_t dtype, int64_t n, const void *a, double *value, double *sign,
                             void *workspace);
int32_t gradus_matrix_qr(const gradus_linear_algebra *with, int32_t dtype, int64_t rows, int64_t columns, const void *a, void *q, void *r,
                         void *workspace);
int32_t gradus_matrix_eigh(const gradus_linear_algebra *with, int32_t dtype, int64_t n, const void *a, void *values, void *vectors,
                           void *workspace);
int32_t gradus_matrix_svd(const gradus_linear_algebra *with, int32_t dtype, int64_t rows, int64_t columns, const void *a, void *u, void *s,
                          void *v, void *workspace);

/** The bytes of workspace that gradus_fft needs for axes of n elements, a multiple of 64. */
int64_t gradus_fft_workspace(int32_t dtype, int64_t n);
/**
 * What compiled code calls: the discrete Fourier transforms of the lines from `begin` to `end` of arrays that have n elements along the axis and `inner` behind
 * it. A line with an infinity or NaN becomes NaN. The results may be null, or the operands; the workspace is aligned to 64.
 */
void gradus_fft(int32_t dtype, int32_t inverse, int64_t n, int64_t inner, int64_t begin, int64_t end, const void *re, const void *im,
                void *yre, void *yim, void *workspace);
/*
 * What compiled code calls where workers meet. `state` is 0 for a call that goes well, above 0 for one that is refused without the others
 * knowing, below 0 for one of which all concerned know that it is refused: -1 by another worker, -2 since a hook failed, -3 since there is no worker
 * `peer`, -16 - s for what was s. What is known to be refused asks nobody any more. The new state is returned.
 */
int32_t gradus_workers_agree(const gradus_context *context, int32_t state);
int32_t gradus_workers_reduce(const gradus_context *context, int32_t state, int32_t of_neighbours, int32_t combination, int32_t is_mean, int32_t dtype,
                              int64_t count, const void *x, void *y);
int32_t gradus_workers_exchange(const gradus_context *context, int32_t state, int32_t agrees, int64_t peer, int32_t dtype, int64_t count,
                                const void *x, void *y, gradus_report *report);

/** The first element of an array that is NaN or infinite, -1 where none is or the type has no such numbers. Of blocks of codes the first of the block. */
int64_t gradus_find_nonfinite(int32_t dtype, int64_t count, const void *data);

/**
 * What compiled code asks: the level of x86-64 that this machine and its system have, 4 (AVX-512) or 3 (AVX2 and FMA), or less. It is a function of the machine,
 * known before main; asking costs a few nanoseconds.
 */
int32_t gradus_cpu_level(void);

/** The number of elements, 1 for rank 0. The caller has checked that it fits. */
int64_t gradus_numel(const gradus_tensor *tensor);
/** The bytes of one element, 0 for an unknown type; in blocks of codes 1, the scales apart. */
size_t gradus_dtype_size(int32_t dtype);
/** The bytes of an array of `count` elements. The caller has checked that they fit. */
size_t gradus_bytes(int32_t dtype, int64_t count);
/**
 * From numbers to blocks of codes, gradus_bytes of them, and back. The nearest code is taken; what is above 0 in a block without negative numbers does not
 * become 0, and a block with an infinity or NaN becomes NaN. Zero bytes are blocks of zeros. Nothing happens for another type.
 */
void gradus_encode(int32_t dtype, int64_t count, const float *numbers, void *blocks);
void gradus_decode(int32_t dtype, int64_t count, const void *blocks, float *numbers);
/** A short name: "f32". */
const char *gradus_dtype_name(int32_t dtype);
/** A stable word for a status: "shape". */
const char *gradus_status_name(int32_t status);

#ifdef __cplusplus
}
#endif

#endif /* GRADUS_H */
