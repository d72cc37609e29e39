//===- Device.h - The kernels of one function -------------------------------------===//
//
// Walks a fused function in its order. Arrays and numbers that one kernel leaves for another have places in the frame; what a thread needs of them it
// loads when it begins. Numbers are computed by kernels of one thread (or one for each slot), as many at a time as there are between two kernels of arrays.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "passes/fuse/Plan.h"
#include "passes/gpu/Frame.h"
#include "passes/lower/Kernel.h"

namespace gradus {

struct CarriedArray;

/// The threads of a group.
inline constexpr int64_t groupSize = 256;
/// The elements that a thread goes through in one launch, where it goes through all of them (Loops.h).
inline constexpr int64_t mostSteps = 32768;

/// What the code of a kernel has at hand.
struct Scope {
  CodeBuilder &code;
  mlir::Value frame;  ///< pointer
  mlir::Value slot;   ///< its number
  mlir::Value record; ///< pointer to its cells
  mlir::Value thread; ///< in the group
  mlir::Value group;  ///< of the slot
  Buffers buffers;    ///< what has been loaded
  mlir::Value pass = {}; ///< of a launch that is dispatched more than once
};

class DeviceLowering {
public:
  /// Kernels are added to `device` as functions of three i64.
  DeviceLowering(FuncOp func, mlir::ModuleOp device, unsigned &numKernels);
  DeviceProgram run();

private:
  /// Something that a thread does between two kernels of arrays.
  struct Item {
    mlir::Operation *op = nullptr;
    llvm::SmallVector<mlir::Value> defines;
    std::function<void(Scope &)> emit;
  };
  /// Where the walk is: in a phase of an open function there is a thread for each slot. Under a condition a cell says whether anything runs.
  struct Level {
    bool isOfSlot = false;
    std::optional<Cell> active;
    std::vector<Item> pending;
    std::optional<HostPath> path = HostPath(); ///< null where the host does not know whether what stands here runs
  };
  using Body = llvm::function_ref<void(Scope &)>;

  // The walk (Statements.cpp).
  void takeValues();
  void emitStatements();
  void emitPhase(PhaseOp phase);
  void emitBlock(mlir::Block &block);
  void emitChecksAhead(mlir::Block &block);
  void emitLateCheck(mlir::Operation *op);
  void emitOp(mlir::Operation *op);
  void addItem(mlir::Operation *op);
  void addEffect(std::function<void(Scope &)> emit) { level->pending.push_back({nullptr, {}, std::move(emit)}); }
  void addArguments();
  void emitAllReduce(llvm::ArrayRef<AllReduceOp> reductions);
  /// Launches what is pending.
  void flush();
  // The guard (Guard.cpp).
  struct Blamed;
  /// An array of which an element may be why a step is refused; `found` has 1 + the first such element, or 0.
  struct Suspect {
    Cell address;
    mlir::Type element;
    std::function<mlir::Value(Scope &)> count;
    Cell found;
  };
  /// One of the arguments.
  struct Gradient {
    int64_t tensor;
    Cell found;
  };
  void addGuards(mlir::Operation *op);
  void blame(Scope &scope, mlir::Value array, const llvm::MapVector<mlir::Type, Blamed> &blamed);
  void emitSearch(const llvm::MapVector<mlir::Value, mlir::StringAttr> &conditions, const llvm::MapVector<mlir::Type, Blamed> &blamed);
  void searchIn(Scope &scope, const Suspect &suspect, const AxisPart &part, mlir::Value memory);
  void findPlace(Scope &scope);
  // Control (Control.cpp).
  void emitControl(mlir::Operation *op);
  void decide(std::function<mlir::Value(Scope &)> condition, Cell then, std::optional<Cell> otherwise);
  void emitRegion(mlir::Region &region, Cell active, std::optional<HostValue> condition);
  void emitLoop(LoopOp loop);
  void emitProceed(LoopOp loop);
  void emitPassEnd(LoopOp loop, llvm::ArrayRef<CarriedArray> arrays, const llvm::DenseMap<unsigned, Cell> &others, Cell index);
  // Results (Results.cpp).
  void keepArguments();
  void fillDefaults();
  void emitArrayResults();
  void addScalarResults();
  void emitReport();
  struct CopyWhen {
    bool isWanted = false;    ///< the target may be null
    bool isLastSlot = false;  ///< one for all slots
    bool isElsewhere = false; ///< the source may be the target
  };
  void emitCopy(Cell to, Cell from, ArrayType type, CopyWhen when);

  // Frame and scope (Scope.cpp).
  Cell newCell(bool isOfSlot);
  Cell newField(SlotField::Kind kind, unsigned index);
  Cell fieldOf(SlotField::Kind kind, unsigned index);
  Cell newTemporary(std::function<mlir::Value(Evaluator &)> bytes, llvm::ArrayRef<mlir::Attribute> shape);
  Cell temporaryFor(ArrayType type);
  Cell placeOf(mlir::Value kernelResult);
  Cell addressOf(mlir::Value array);
  mlir::Value resolve(mlir::Value value) const;
  mlir::Value cellAddress(Scope &scope, Cell cell);
  mlir::Value load(Scope &scope, Cell cell, mlir::Type element);
  void store(Scope &scope, Cell cell, mlir::Type element, mlir::Value value);
  mlir::Value pointerIn(Scope &scope, Cell cell);
  mlir::Value scalarIn(Scope &scope, mlir::Value value);
  mlir::Value arrayIn(Scope &scope, mlir::Value value);
  void bind(Scope &scope, mlir::Operation *op);
  void enterSlot(Scope &scope, mlir::Value slot);
  /// Writes a function of the device, with a launch of it.
  void emitLaunch(llvm::StringRef what, mlir::Location loc, Grid grid, std::function<mlir::Value(Evaluator &)> groups, Body body);
  void checkLoops(Scope &scope, mlir::LLVM::LLVMFuncOp kernel);
  /// Tells the kernels how large header and records are.
  void finishFrame();
  void refuse(Scope &scope, int32_t status, int64_t what, int64_t argument);

  // Numbers (Scalars.cpp).
  void emitScalarOp(Scope &scope, mlir::Operation *op);
  void emitScalarKernel(Scope &scope, KernelOp kernel);
  void emitScalarControl(Scope &scope, mlir::Operation *op);
  void emitScalarLoop(Scope &scope, LoopOp loop);
  llvm::SmallVector<mlir::Value> emitScalarRegion(Scope &scope, mlir::Block &block);

  // Kernels of arrays (Kernels.cpp).
  void emitKernel(KernelOp kernel);
  void emitLoops(const KernelInfo &info);
  void emitFullReductions(const KernelInfo &info, llvm::ArrayRef<Cell> partials);
  /// The results of the blocks of each point, pairwise: `blocks` of them, those of one block together.
  struct BlockTree {
    ReductionKind kind;
    mlir::Type accumulate, element;
    Cell partials, result;
  };
  void emitBlockTrees(mlir::Location loc, llvm::ArrayRef<BlockTree> trees, std::function<mlir::Value(Evaluator &)> points,
                      std::function<mlir::Value(Evaluator &)> blocks);
  void emitContract(KernelOp kernel);
  // Products by a library (Products.cpp).
  void emitProduct(KernelOp kernel);
  std::optional<HostProduct> findHostProduct(KernelOp kernel);
  mlir::Value findNarrow(KernelOp kernel, mlir::Value operand);
  void takeNarrow(KernelOp kernel, HostProduct &product);
  std::optional<HostValue> findHostAddress(mlir::Value array);
  /// The value of a condition where sizes decide, or its opposite.
  std::optional<HostValue> findHostCondition(mlir::Value condition, bool isOpposite);
  /// What the host knows of an array that a loop carries: where a pass finds it, and where its results go.
  void knowCarried(LoopOp loop, const CarriedArray &carried, Cell first, Cell second);
  void emitEncode(mlir::Location loc, EncodeOp op, Cell from, Cell to);
  void emitDots(KernelOp kernel);
  void emitScatter(KernelOp kernel);
  void emitOrder(KernelOp kernel);
  void emitSort(KernelOp kernel);
  void emitCheck(KernelOp kernel);
  void emitEarlyChecks();
  Buffers buffersOf(Scope &scope, KernelOp kernel, llvm::ArrayRef<mlir::Value> wanted = {});

  FuncOp func;
  mlir::ModuleOp device;
  unsigned &numKernels;
  EntryLayout layout;
  Plan plan;
  ReturnOp ret;
  PhaseOp lastPhase;
  DeviceProgram program;
  std::vector<Step> *steps;
  Level *level = nullptr;
  bool mayBeRefused = false;
  bool mustKeep = false; ///< by the data, so that nothing may have moved: not only since a device may have ended loops, after which results are wrong anyway
  llvm::DenseMap<mlir::Value, Cell> cells;     ///< numbers
  llvm::DenseMap<mlir::Value, Cell> addresses; ///< arrays
  llvm::DenseMap<mlir::Value, HostValue> hostAddresses;  ///< arrays that the host finds in passes of loops
  llvm::DenseMap<mlir::Value, mlir::Value> aliases;
  llvm::MapVector<mlir::Value, mlir::StringAttr> guards; ///< conditions, where they are computed -> what is not finite
  llvm::DenseSet<mlir::Value> knownGuards;
  llvm::SmallVector<Gradient> gradients;                 ///< in which a refused step has been searched
  llvm::SmallVector<Cell> foundBlamed;                   ///< 1 + the element that the search found in the array that a condition is about; one of them is not 0
  llvm::SmallVector<Cell> kept;                          ///< by result
  std::vector<mlir::LLVM::LLVMFuncOp> kernels;
};

/// The code of one thread of a kernel of reductions and elementwise stores, by its form.
class ThreadEmitter {
public:
  /// `partials` has where sums of parts of rows go.
  ThreadEmitter(const KernelInfo &info, Evaluator &evaluator, Scope &scope, mlir::ValueRange outputs, mlir::ValueRange partials)
      : info(info), evaluator(evaluator), code(evaluator.code), scope(scope), outputs(outputs), partials(partials) {}
  /// The groups of a slot.
  static mlir::Value countGroups(const KernelInfo &info, Evaluator &evaluator);
  /// Whether rows may be so long that they are cut, and into how many parts: each has a power of two of blocks, so that the tree above them is the same.
  static bool hasLongRows(const KernelInfo &info);
  static mlir::Value countParts(const KernelInfo &info, Evaluator &evaluator);
  /// The elements of an axis in one launch of a kernel of arguments, of which each goes along the axis in a loop of its own.
  static int64_t stepsOfArguments(const KernelInfo &info) { return mostSteps / std::max<int64_t>(1, info.argReductions.size()); }
  /// Whether results in blocks of codes are encoded by the kernel itself; else their outputs are arrays of f32.
  static bool encodesAtOnce(const KernelInfo &info);
  void emit();

private:
  /// Whether an element takes a loop as long as an axis.
  static bool takesSteps(const KernelInfo &info);
  void emitElements();
  void emitEncoded();
  void emitSingleElements();
  bool canJoin();
  mlir::Value emitIsAligned();
  void emitNeighbours(mlir::Value begin);
  void emitPartials();
  void emitRows();
  void emitColumns();
  void emitArguments();
  llvm::SmallVector<mlir::Value> emitStep(llvm::ArrayRef<Point> points, mlir::ValueRange sums);
  llvm::SmallVector<mlir::Value> identities();
  llvm::SmallVector<mlir::Value> combineLanes(mlir::ValueRange sums);
  llvm::SmallVector<mlir::Value> emitLane(mlir::Value low, mlir::Value high, mlir::ValueRange sums, llvm::function_ref<Point(mlir::Value)> pointAt);
  void storeResults(mlir::ValueRange values, mlir::Value position);

  const KernelInfo &info;
  Evaluator &evaluator;
  CodeBuilder &code;
  Scope &scope;
  mlir::ValueRange outputs, partials;
  llvm::SmallVector<mlir::Value> numbers; ///< memory of the group for what is encoded
  mlir::Value firstNumber;                ///< the element whose number is the first there
};

/// Draws with loops of their own get kernels apart from those whose threads loop over elements.
void storeLoopingDraws(FuncOp func);

/// How often a launch goes on along an axis: `steps` elements each time.
mlir::Value countPasses(CodeBuilder &code, mlir::Value size, int64_t steps = mostSteps);
/// The part of an axis in one of them.
AxisPart partOf(CodeBuilder &code, mlir::Value pass, int64_t steps = mostSteps);

/// Whether the elements of some axes are one block, whatever the call.
bool hasOneBlock(llvm::ArrayRef<mlir::Attribute> dims);
/// The number of this thread in all groups of the slot.
mlir::Value emitThreadNumber(Scope &scope);
/// One thread an index, of which there are `count`.
void forThread(Scope &scope, mlir::Value count, llvm::function_ref<void(mlir::Value)> then);

/// Memory that the threads of a group share.
mlir::Value emitGroupMemory(CodeBuilder &code, mlir::Type element, int64_t count);
mlir::Value loadGroup(CodeBuilder &code, mlir::Value memory, mlir::Value index, mlir::Type element);
void storeGroup(CodeBuilder &code, mlir::Value memory, mlir::Value index, mlir::Value value);
void emitBarrier(CodeBuilder &code);

} // namespace gradus
