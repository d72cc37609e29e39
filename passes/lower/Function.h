//===- Function.h - The entry point of a fused function -------------------------===//
//
// Builds `<name>__kernel`, which runs phase after phase, slot after slot, and `<name>__workspace`. Each kernel becomes a
// function of its own, called directly or through the caller's parallel_for.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/emit/Entry.h"
#include "passes/fuse/Plan.h"
#include "passes/fuse/RowNest.h"
#include "passes/lower/Kernel.h"

namespace gradus {

/// How an array that a loop carries gets its next value.
struct CarriedArray {
  unsigned index;                            ///< among the carried values
  llvm::SmallVector<mlir::Value> results;    ///< of kernels of a pass, which are written to the place that the pass does not read
  bool isCopied = false;                     ///< else: it is copied there
  bool isInPlace = false;                    ///< scatters alone make it of what it was: the results are written over it
};
llvm::SmallVector<CarriedArray> findCarriedArrays(LoopOp loop);

/// The tensor where a result of the function is written, or -1.
int64_t findTensorOfResult(const EntryLayout &layout, unsigned result);
/// Whether a result may be the old elements of an argument that another result replaces.
bool needsStage(FuncOp func, unsigned result);
/// What the refusal by a check leaves in the report: 1 + the number of the tensor whose place is outside, and 2^16 (1 + the axis); 0 for what is not known.
int64_t describePlace(const EntryLayout &layout, const KernelInfo &info);
/// What the plan allows and no machine has code for: a located error.
mlir::LogicalResult checkSupported(FuncOp func);

/// Half of what the flag of a call is where the guard refuses it: above all places of indices.
inline constexpr int32_t refusedByGuard = 1 << 20;

/// A function over a range of indices, the type of the closure that it takes, and which of the values captured for it stand there: those that it reads.
struct ClosureFunction {
  mlir::LLVM::LLVMFuncOp body;
  mlir::LLVM::LLVMStructType closure;
  llvm::SmallVector<unsigned> kept;
};
/// Stores the fields of a closure.
void fillClosure(CodeBuilder &code, mlir::LLVM::LLVMStructType type, mlir::Value closure, mlir::ValueRange values);

/// The conditions of the guard, where they are computed -> what is not finite.
llvm::MapVector<mlir::Value, mlir::StringAttr> findGuards(FuncOp func, ReturnOp ret);

/// The function of a kernel, and the fields of its closure that it reads.
struct KernelFunction {
  struct Field {
    mlir::Value captured;
    mlir::Value operand; ///< of the kernel, whose value or address it is; or null
    int output = -1;     ///< else: of which output
  };
  mlir::LLVM::LLVMFuncOp body;
  mlir::LLVM::LLVMStructType closure;
  llvm::SmallVector<Field> fields;
};

/// How a nest goes through its rows.
struct NestShape {
  mlir::Value rows, blockRows, blocksPerSuper, superBlocks, blocks;
};

/// Lowers one function; the two entry functions are added to its module.
class FunctionLowering {
public:
  explicit FunctionLowering(FuncOp func);
  void run();

  struct NestClosure;

private:
  /// What is known while the code of one slot is built.
  struct Slot {
    mlir::Value index;
    Buffers buffers;
    llvm::SmallVector<mlir::Value> data;                 ///< pointers of the tensors of the slot
    llvm::DenseMap<mlir::Value, mlir::Value> workspace;  ///< results of kernels -> offset
    llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Value>> partials; ///< full reductions -> offset, by result; sorts, transforms and factorizations -> of their scratch
    llvm::DenseMap<mlir::Value, mlir::Value> nestPartials; ///< results of kernels that sum over the rows of a nest -> offset
    llvm::SmallVector<mlir::Value> kept;                 ///< returned arguments that change -> offset, by result
    llvm::SmallVector<mlir::Value> staged;               ///< results that may be another's old elements -> offset, by result
    llvm::DenseMap<mlir::Value, std::pair<mlir::Value, mlir::Value>> pairs; ///< arrays that loops carry -> two offsets
    llvm::DenseMap<mlir::Value, mlir::Value> unencoded;  ///< results of kernels in blocks of codes -> offset of their numbers, where these wait in the workspace
    llvm::DenseMap<mlir::Value, mlir::Value> places;     ///< results of kernels that a pass hands on -> address
    llvm::SmallVector<mlir::ArrayAttr> spaces;           ///< the shapes that the size of the workspace counts
    llvm::SmallVector<mlir::Value> defaults;             ///< inputs that may be left out -> offset, by tensor
    mlir::Value workspaceSize;
  };
  /// Writes the code of a function of a kernel for indices [begin, end).
  using Body = llvm::function_ref<void(Evaluator &, mlir::ValueRange outputs, mlir::Value begin, mlir::Value end, mlir::LLVM::LLVMFuncOp)>;

  mlir::LLVM::LLVMFuncOp createFunction(llvm::StringRef name, mlir::Type result, mlir::TypeRange arguments, bool isInternal);
  void emitEntry();
  void emitWorkspace();
  void emitStatements();
  void emitPhase(PhaseOp phase);
  void combineSlots(PhaseOp phase, llvm::function_ref<llvm::SmallVector<mlir::Value>(Slot &)> emitSlot);
  void emitLastPhase(PhaseOp phase);
  void emitUnphasedResults();
  llvm::SmallVector<mlir::Value> emitPhaseInSlot(PhaseOp phase, Slot &slot);
  void emitRehearsal(PhaseOp phase, Slot &slot);
  void emitOps(mlir::Block &block, Buffers &buffers, Slot *slot, bool isRehearsed = false);
  void emitControl(mlir::Operation *op, Buffers &buffers, Slot *slot);
  void emitLoop(LoopOp loop, Buffers &buffers, Slot *slot);
  bool ownsInit(LoopOp loop, unsigned index);
  mlir::Value emitProceed(LoopOp loop, mlir::Value count, mlir::ValueRange known, Buffers &buffers, Slot *slot);
  llvm::SmallVector<mlir::Value> emitPass(LoopOp loop, mlir::ValueRange known, Buffers &buffers, Slot *slot);
  void emitHostScalars();
  void emitScalarOp(mlir::Operation *op, Buffers &buffers);
  void emitReport();

  Slot enterSlot(mlir::Value index);
  void readSymbols(Slot &slot);
  void takeScratch(KernelOp kernel, Slot &slot, Evaluator &evaluator, llvm::function_ref<mlir::Value(mlir::Value)> take);
  void layOutWorkspace(Slot &slot);
  mlir::Value fitsMemory(const Slot &slot);
  mlir::Value descriptor(mlir::Value slot, unsigned tensor);
  mlir::Value isNull(mlir::Value pointer);
  mlir::Value loadScalar(mlir::Value data, const EntryTensor &tensor);
  mlir::Value orDefault(mlir::Value data, unsigned number, Slot &slot);
  void ifWanted(unsigned tensor, bool isArray, Slot &slot, llvm::function_ref<void()> write);
  mlir::Value placeOf(mlir::Value kernelResult, Slot &slot);
  mlir::Value bytesOf(ArrayType type, Evaluator &evaluator);
  /// The bytes of workspace for all lines of a transform.
  mlir::Value fftWorkspace(FftOp op, Evaluator &evaluator);
  /// The bytes of workspace for one matrix of a factorization.
  mlir::Value matrixWorkspace(mlir::Operation *op, Evaluator &evaluator);
  mlir::LLVM::LLVMFuncOp declareRuntime(llvm::StringRef name, mlir::Type result, mlir::TypeRange arguments);
  int64_t tensorOfResult(unsigned result) const { return findTensorOfResult(layout, result); }

  void emitKernel(KernelOp kernel, Slot &slot);
  void emitScalarKernel(KernelOp kernel, Slot &slot);
  void emitFft(KernelOp kernel, Slot &slot);
  void emitMatrix(KernelOp kernel, Slot &slot);
  void emitOrder(KernelOp kernel, Slot &slot);
  void emitProduct(KernelOp kernel, Slot &slot);
  void emitEpilogue(KernelOp kernel, Slot &slot);
  void emitUnitsOnStack(KernelOp kernel, Slot &slot);
  void emitUnitsInPlace(KernelOp kernel, Slot &slot);
  KernelFunction buildEpilogue(KernelOp kernel, Slot &slot, std::optional<int64_t> pitch);
  /// i1: whether a function of the context has computed all of a product.
  mlir::Value emitAskForProduct(class ProductEmitter &host, mlir::Value output);
  void emitCut(mlir::Operation *op, mlir::Value given, mlir::Value taken, mlir::Value count, mlir::Value peer);
  void emitCutKernel(KernelOp kernel, Slot &slot);
  void emitScalarCut(mlir::Operation *op, Buffers &buffers);
  /// Tells all workers whether this one refuses the call.
  void emitAgreement();
  void emitLoops(const KernelInfo &info, Slot &slot);
  llvm::SmallVector<mlir::Value> outputsOf(const KernelInfo &info, Slot &slot);
  /// The partial results of each reduction over everything: one for each block, or for each unit of the product that the kernel is the epilogue of.
  mlir::Value countPartials(const KernelInfo &info, Evaluator &evaluator);
  void emitFullReductions(const KernelInfo &info, Slot &slot);
  void emitEncodes(const KernelInfo &info, Slot &slot);
  void emitChecks();
  void emitCheck(KernelOp kernel, Slot &slot);
  void emitLateCheck(KernelOp kernel, Slot &slot);
  void emitGuard(mlir::Value condition, mlir::StringAttr what, mlir::Value isFine, Buffers &buffers);
  void emitGuards(mlir::Operation *op, Buffers &buffers);
  mlir::Value findNonFinite(mlir::Value condition, Buffers &buffers);
  void copy(mlir::Value to, mlir::Value from, ArrayType type, Slot &slot);
  void keepArguments(Slot &slot);
  void emitArrayResults(Slot &slot);
  void emitScalarResults(Slot &slot);
  void emitNestOrKernels(const RowNest &nest, Slot &slot);
  void emitNest(const RowNest &nest, Slot &slot);
  mlir::Value emitIsNarrow(const RowNest &nest, Evaluator &evaluator);
  void emitNestSums(KernelOp kernel, const RowNest &nest, Slot &slot, const NestShape &shape);
  void addMembers(KernelOp kernel, const RowNest &nest, Slot &slot, NestClosure &closure, llvm::DenseMap<mlir::Value, unsigned> &rowStrides);
  llvm::SmallVector<KernelFunction> buildNested(KernelOp kernel, const RowNest &nest, Slot &slot, mlir::ValueRange outputs);
  NestShape emitNestShape(const RowNest &nest, Evaluator &evaluator);
  void takeNested(KernelOp kernel, const RowNest &nest, Slot &slot, Evaluator &evaluator, llvm::function_ref<mlir::Value(mlir::Value)> take);
  mlir::Value emitRowBytes(mlir::Value array, Evaluator &evaluator);
  const RowNest *findNest(KernelOp kernel) const;
  KernelFunction buildFunction(KernelOp kernel, llvm::StringRef suffix, Slot &slot, mlir::ValueRange outputs, llvm::function_ref<bool(mlir::Value)> isCached, Body body);
  void callUnlessRefused(mlir::LLVM::LLVMFuncOp body, mlir::Value closure, mlir::Value count, mlir::Value work);
  void launch(KernelOp kernel, llvm::StringRef suffix, Slot &slot, mlir::ValueRange outputs, mlir::Value count, mlir::Value work, Body body);
  ClosureFunction buildBody(mlir::Location loc, llvm::StringRef name, mlir::ValueRange captured,
                            llvm::function_ref<void(CodeBuilder &, llvm::ArrayRef<mlir::Value>, mlir::LLVM::LLVMFuncOp)> emit);
  /// The closure of such a function on the stack, of what was captured for it.
  mlir::Value buildClosure(const ClosureFunction &function, mlir::ValueRange captured);
  // One launch for all slots (LaunchAll.cpp).
  bool isLaunchedForAll(PhaseOp phase);
  bool isWrittenInPlace();
  mlir::Value countElements(KernelOp kernel, mlir::Value slot);
  void launchForAll(PhaseOp phase);
  void emitSlotsOfRange(PhaseOp phase, mlir::Value starts, mlir::Value capacity, mlir::Value low, mlir::Value high);
  void finishSlots(PhaseOp phase, mlir::Value starts, mlir::Value capacity);
  void placePartials(const KernelInfo &info, Slot &slot, mlir::Value starts, mlir::Value capacity);
  mlir::Value workspaceForAll();
  void callKernel(mlir::LLVM::LLVMFuncOp body, mlir::Value closure, mlir::Value count, mlir::Value work);
  void unlessRefused(llvm::function_ref<void()> then);
  llvm::SmallVector<mlir::Value> valuesUnlessRefused(mlir::TypeRange types, llvm::function_ref<llvm::SmallVector<mlir::Value>()> then);

  FuncOp func;
  EntryLayout layout;
  Plan plan;
  std::vector<RowNest> nests;
  llvm::DenseMap<mlir::Value, mlir::Value> hosts; ///< results that wait where another one will stand, in all nests
  CodeBuilder code;
  ReturnOp ret;
  mlir::LLVM::LLVMFuncOp entry;
  mlir::Value context, hyper, time, tensors, slotCount, workspace, report;
  mlir::Value flag; ///< an i32 that a check sets, or a meeting of workers, or null
  Buffers host;     ///< rank-0 values of the call, and in a function that is not open also symbols
  std::optional<Slot> onlySlot;
  PhaseOp lastPhase; ///< it writes the results; null where they are known outside of phases
  bool mayBeRefusedLate = false;
  llvm::MapVector<mlir::Value, mlir::StringAttr> guards; ///< conditions of the guard, where they are computed -> what is not finite
  llvm::DenseMap<mlir::Value, mlir::Value> knownGuards;
  unsigned numGuards = 0;
  std::optional<std::pair<mlir::Value, mlir::Value>> blocksAtHand; ///< of the slot at hand, in a launch for all slots
  llvm::StringRef stage; ///< tells the functions of kernels that are built twice apart
};

} // namespace gradus
