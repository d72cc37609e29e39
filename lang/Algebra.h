//===- Algebra.h - Arithmetic on arrays in the making -------------*- C++ -*-===//
//
// Emits gradus ops for whole-tensor arithmetic: kinds meet (bool < int < float), shapes broadcast as in NumPy, indices
// of index notation align by name, and all of it lane by lane. A floating value of rank 0 is f64 and is cast to the
// arithmetic type where it meets an array. Functions return poison for poison.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_ALGEBRA_H
#define GRADUS_LANG_ALGEBRA_H

#include "dialect/Gradus.h"
#include "lang/Messages.h"
#include "lang/Value.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace gradus::lang {

using Shape = llvm::SmallVector<mlir::Attribute, 4>;

/// `[n, 64]`, for messages.
std::string describe(llvm::ArrayRef<mlir::Attribute> shape);
/// `n` or `64`.
std::string describe(mlir::Attribute dim);

class Algebra {
public:
  Algebra(mlir::MLIRContext &context, Diagnostics &diagnostics, mlir::Type real);

  mlir::OpBuilder builder;
  Diagnostics &diagnostics;
  /// Storage type of params, grads and data; the arithmetic type is wide(real).
  mlir::Type real, wide;
  /// Inside a rule that runs for an open collection.
  bool isOpen = false;
  /// Sizes that are one for the collection, though no argument may tell them: `size n` without a value.
  llvm::SmallPtrSet<mlir::Attribute, 4> sharedSizes;
  /// Whether a size may be another one in each tensor of the collection: given for each of them, or a symbol that is one for none.
  bool differsByTensor(llvm::ArrayRef<mlir::Attribute> sizes) const {
    return sizes.size() > 1 || (isOpen && llvm::isa<mlir::StringAttr>(sizes.front()) && !sharedSizes.contains(sizes.front()));
  }
  /// Inside a rule whose objective is not bound, which becomes no code.
  bool isUnbound = false;
  /// The regions of control around what is being emitted.
  unsigned numRegions = 0;
  /// One tensor of a collection is elaborated apart from the others.
  bool isOneOfMany = false;
  /// What is being called, outermost first: places for notes.
  struct Frame {
    std::string what;
    Location at;
    const void *decl;
  };
  std::vector<Frame> frames;
  /// The declarations of the rules whose steps are being expanded, and of the functions whose arguments are being bound.
  llvm::SmallVector<const void *> expanding;
  /// The arguments of the unit that every worker of a run gives alike: hyper-parameters and the step.
  llvm::DenseSet<mlir::Value> ofEveryWorker;
  /// Expressions evaluated since the unit began: what its calls expand to.
  size_t numEvaluated = 0;
  /// A function that calls another one twice, thirty levels deep, would become 2^30 operations, and so would loops in loops whose carried values
  /// must be widened, for these are elaborated again and again.
  static constexpr size_t maxExpansion = 200000;
  /// Keeps the stack of the compiler bounded.
  static constexpr size_t maxCallDepth = 64;

  Diagnostic &error(Code code, Location at, std::string text);
  mlir::Location place(Location at) const;

  // Types.
  static ArrayType typeOf(mlir::Value v) { return llvm::cast<ArrayType>(v.getType()); }
  static Kind kindOf(mlir::Value v);
  static Kind kindOf(const Array &x) { return kindOf(x.lanes.front()); }
  /// The axes that are not indices.
  static llvm::ArrayRef<mlir::Attribute> ownShape(const Array &x, size_t lane = 0);
  static int64_t ownRank(const Array &x) { return ownShape(x).size(); }
  static bool isScalar(const Array &x) { return x.axes.empty() && ownRank(x) == 0; }
  mlir::Type elementOf(Kind kind, size_t rank) const;

  // Numbers.
  Array number(double value, Location at);
  Array integer(int64_t value, Location at);
  Array boolean(bool value, Location at);
  /// The value of a scalar constant.
  static std::optional<double> constantOf(const Array &x);
  /// The same, also for a name that was given a number: for places where a number must be known, and no derivative is lost.
  static std::optional<double> constantBehind(const Array &x);
  /// A value that got a name. A floating constant of rank 0 is hidden from folding, so that `grad[x](x * x)` still sees its x; a
  /// `gradus.stop` does that, and loses nothing, since nothing is behind a constant.
  Array named(Array x, Location at);
  /// The same numbers as another value, so that a derivative in one of the two names is none in the other.
  Array distinct(Array x, Location at);
  /// The same where a value is older than what follows `last`, so that it may have a name already.
  Array renamed(Array x, mlir::Operation *last, Location at);
  /// The operation behind which the next one comes; null at the begin of a block.
  mlir::Operation *lastOperation() const;
  static std::optional<int64_t> constantIntOf(const Array &x);
  /// The size of a dimension as an int.
  mlir::Value sizeOf(mlir::Attribute dim, Location at);
  /// One value of each element.
  Array filled(double value, llvm::ArrayRef<mlir::Attribute> shape, Location at);

  /// Gives the region its block with arguments of `types`, which yields what `value` makes of it.
  template <typename Value>
  void fillWith(mlir::Region &region, mlir::TypeRange types, Location at, Value value) {
    mlir::OpBuilder::InsertionGuard guard(builder);
    mlir::Block &block = region.emplaceBlock();
    for (mlir::Type type : types)
      block.addArgument(type, place(at));
    builder.setInsertionPointToStart(&block);
    YieldOp::create(builder, place(at), value(block));
  }

  // Single values.
  mlir::Value castTo(mlir::Value x, mlir::Type element, Location at);
  mlir::Value broadcastTo(mlir::Value x, llvm::ArrayRef<int64_t> axes, llvm::ArrayRef<mlir::Attribute> shape, Location at);
  mlir::Value transposed(mlir::Value x, llvm::ArrayRef<int64_t> permutation, Location at);

  // Arrays.
  using Emit = llvm::function_ref<mlir::Value(llvm::ArrayRef<mlir::Value>)>;
  /// Brings operands to one shape and kind, then emits lane by lane.
  Array elementwise(llvm::ArrayRef<Array> operands, Kind kind, Location at, Emit emit);
  /// Lane by lane, each operand as it is; keeps flags and takes `axes` for the result.
  Array perLane(llvm::ArrayRef<Array> operands, llvm::ArrayRef<IndexVar *> axes, Emit emit);
  Array toKind(const Array &x, Kind kind, Location at);
  Array add(const Array &a, const Array &b, Location at);
  Array sub(const Array &a, const Array &b, Location at);
  Array mul(const Array &a, const Array &b, Location at);
  Array div(const Array &a, const Array &b, Location at);
  Array power(const Array &a, const Array &b, Location at);
  Array negate(const Array &x, Location at);
  Array compare(ComparePredicate predicate, const Array &a, const Array &b, Location at);
  Array logical(bool isAnd, const Array &a, const Array &b, Location at);
  Array select(const Array &c, const Array &a, const Array &b, Location at);
  template <typename Op>
  Array unary(const Array &x, Location at, bool isFloatOnly = true) {
    return elementwise({x}, isFloatOnly ? Kind::Float : std::max(kindOf(x), Kind::Int), at, [&](llvm::ArrayRef<mlir::Value> v) {
      return builder.createOrFold<Op>(place(at), v[0]);
    });
  }
  template <typename Op>
  Array binary(const Array &a, const Array &b, Location at, Kind least = Kind::Int) {
    if (a.isPoison() || b.isPoison())
      return {};
    Kind kind = std::max({kindOf(a), kindOf(b), least});
    return elementwise({a, b}, kind, at, [&](llvm::ArrayRef<mlir::Value> v) {
      return builder.createOrFold<Op>(place(at), v[0], v[1]);
    });
  }

  // Shapes.
  /// Brings one lane of an array to the indices `axes` and the own shape `shape`, in the element type of `kind`.
  mlir::Value fit(const Array &x, size_t lane, llvm::ArrayRef<IndexVar *> axes, llvm::ArrayRef<mlir::Attribute> shape, Kind kind,
                  Location at);
  /// x with a copy for each index of `axes` that it lacks, tensor by tensor.
  Array spreadOver(const Array &x, llvm::ArrayRef<IndexVar *> axes, Location at);
  /// The NumPy broadcast of own shapes; reports what does not fit.
  std::optional<Shape> commonShape(llvm::ArrayRef<Array> operands, size_t lane, Location at);
  static llvm::SmallVector<IndexVar *, 2> commonAxes(llvm::ArrayRef<Array> operands);
  Shape fullShape(llvm::ArrayRef<IndexVar *> axes, llvm::ArrayRef<mlir::Attribute> own) const;

  // Reductions over axes of the value, counted from its first one, indices included.
  // `allOwn` stands for all axes but the indices, whatever the rank of each tensor.
  static constexpr int64_t allOwn[] = {-1};
  static llvm::SmallVector<int64_t> axesOf(mlir::Value v, size_t indices, llvm::ArrayRef<int64_t> axes);
  /// `accumulate` is the type in which real numbers are added up, null for that of the operand.
  Array reduce(ReductionKind kind, const Array &x, llvm::ArrayRef<int64_t> axes, Location at, mlir::Type accumulate = {});
  Array logAddExp(const Array &a, const Array &b, Location at);
  Array logSumExp(const Array &x, llvm::ArrayRef<int64_t> axes, Location at);
  Array norm(const Array &x, llvm::ArrayRef<int64_t> axes, Location at);
  /// The number of elements along axes, as a float.
  Array countOf(const Array &x, llvm::ArrayRef<int64_t> axes, Location at);
  /// Reduces scalars of the tensors over the collection.
  Array overAll(ReductionKind kind, const Array &x, Location at);
  /// Sum of products: over the own axes given by labels, indices align by name.
  Array contract(const Array &a, llvm::ArrayRef<int64_t> aLabels, const Array &b, llvm::ArrayRef<int64_t> bLabels,
                 llvm::ArrayRef<int64_t> outLabels, llvm::ArrayRef<IndexVar *> summed, Location at);
};

} // namespace gradus::lang

#endif // GRADUS_LANG_ALGEBRA_H
