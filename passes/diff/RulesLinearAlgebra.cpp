//===- RulesLinearAlgebra.cpp - Reverse rules of factorizations ----------------===//
//
// Of one matrix; leading axes are carried along. X~ is the cotangent of X, tri(X) its lower triangle.
//
//   solve     A X = B       B~ = A^-T X~, A~ = -B~ X^T
//   cholesky  A = L L^T     A~ = L^-T phi(L^T L~) L^-1, phi = tri with half the diagonal
//   logdet                  A~ = v~ A^-T
//   qr        A = Q R       A~ = (Q~ + Q sym(M)) R^-T, M = R R~^T - Q~^T Q, sym(M) = tri(M) and its mirror image
//   eigh      A = Q E Q^T   A~ = Q (diag(e~) + F o Q^T Q~) Q^T, F[i, j] = 1 / (e[j] - e[i])
//   svd       A = U S V^T   A~ = U (F o (U^T U~ - U~^T U) S + S F o (V^T V~ - V~^T V) + diag(s~)) V^T
//                                + (I - U U^T) U~ S^-1 V^T + U S^-1 V~^T (I - V V^T), F[i, j] = 1 / (s[j]^2 - s[i]^2)
//
// A function that reads the lower triangle alone sees a symmetric matrix: what both halves get goes to the lower one.
//
//===----------------------------------------------------------------------===//

#include "passes/diff/Rules.h"

#include "llvm/ADT/TypeSwitch.h"

#include <utility>

using namespace mlir;

namespace gradus {

namespace {

/// Expressions of matrices of one op, and what its results get.
class Matrices {
public:
  Matrices(Operation *op, ArrayRef<Value> cotangents, ReverseContext &context)
      : op(op), context(context), builder(context.builder), loc(context.loc), batch(arrayType(op->getOperand(0)).getRank() - 2),
        element(arrayType(op->getOperand(0)).getElementType()) {
    for (auto [result, dy] : llvm::zip_equal(op->getResults(), cotangents))
      given.push_back(dy ? context.toElement(dy, arrayType(result).isScalar() ? arrayType(result).getElementType() : element) : Value());
  }

  /// The cotangent of a result, null where it has none.
  Value dy(unsigned result) const { return given[result]; }
  Value orZero(unsigned result) { return given[result] ? given[result] : buildFill(builder, loc, op->getResult(result).getType(), 0.0); }

  ArrayType typeOf(Value x) const { return arrayType(x); }
  ArrayType matrixOf(Attribute rows, Attribute columns) const {
    SmallVector<Attribute> shape(arrayType(op->getOperand(0)).getShape().take_front(batch));
    shape.append({rows, columns});
    return ArrayType::get(builder.getContext(), shape, element);
  }
  Attribute rows(Value x) const { return arrayType(x).getShape()[batch]; }
  Attribute columns(Value x) const { return arrayType(x).getShape()[batch + 1]; }

  Value add(Value a, Value b) { return AddOp::create(builder, loc, a, b); }
  Value sub(Value a, Value b) { return SubOp::create(builder, loc, a, b); }
  Value mul(Value a, Value b) { return MulOp::create(builder, loc, a, b); }
  Value div(Value a, Value b) { return DivOp::create(builder, loc, a, b); }
  Value half(Value a) { return mul(a, buildFill(builder, loc, a.getType(), 0.5)); }
  Value negate(Value a) { return NegOp::create(builder, loc, a); }

  Value transpose(Value a) {
    SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, batch + 2));
    std::swap(permutation[batch], permutation[batch + 1]);
    return TransposeOp::create(builder, loc, matrixOf(columns(a), rows(a)), a, permutation);
  }
  /// A B; with flags, of the transposed ones.
  Value product(Value a, Value b, bool isLeftTransposed = false, bool isRightTransposed = false) {
    SmallVector<int64_t> lhs = llvm::to_vector(llvm::seq<int64_t>(0, batch)), rhs = lhs, out = lhs;
    int64_t row = batch, summed = batch + 1, column = batch + 2;
    lhs.append(isLeftTransposed ? std::initializer_list<int64_t>{summed, row} : std::initializer_list<int64_t>{row, summed});
    rhs.append(isRightTransposed ? std::initializer_list<int64_t>{column, summed} : std::initializer_list<int64_t>{summed, column});
    out.append({row, column});
    ArrayType type = matrixOf(isLeftTransposed ? columns(a) : rows(a), isRightTransposed ? rows(b) : columns(b));
    return ContractOp::create(builder, loc, type, a, b, lhs, rhs, out);
  }
  Value solve(MatrixKind kind, Value a, Value b, bool isTransposed = false) {
    SmallVector<Attribute> shape(arrayType(a).getShape().take_front(batch));
    ArrayType ok = ArrayType::get(builder.getContext(), shape, builder.getI1Type());
    return SolveOp::create(builder, loc, b.getType(), ok, kind, a, b, isTransposed).getX();
  }

  /// The number of the row, or column, at each element.
  Value count(ArrayType type, bool isRow) {
    return IotaOp::create(builder, loc, type.withElement(builder.getI64Type()), builder.getI64IntegerAttr(batch + (isRow ? 0 : 1)));
  }
  /// Where `row <predicate> column`.
  Value where(ArrayType type, ComparePredicate predicate) {
    return CompareOp::create(builder, loc, predicate, count(type, true), count(type, false));
  }
  Value select(Value condition, Value a, Value b) { return SelectOp::create(builder, loc, condition, a, b); }
  Value keep(Value x, ComparePredicate predicate) {
    return select(where(arrayType(x), predicate), x, buildFill(builder, loc, x.getType(), 0.0));
  }
  Value identity(ArrayType type) {
    return select(where(type, ComparePredicate::Eq), buildFill(builder, loc, type, 1.0), buildFill(builder, loc, type, 0.0));
  }
  /// One number for each matrix, row or column, at each element.
  Value spread(Value x, ArrayType type) { return buildBroadcast(builder, loc, x, type, llvm::to_vector(llvm::seq<int64_t>(0, batch))); }
  Value alongRows(Value x, ArrayType type) { return alongAxis(x, type, batch); }
  Value alongColumns(Value x, ArrayType type) { return alongAxis(x, type, batch + 1); }
  Value onDiagonal(Value x, ArrayType type) {
    return select(where(type, ComparePredicate::Eq), alongRows(x, type), buildFill(builder, loc, type, 0.0));
  }
  /// 1 / x, and 0 on the diagonal.
  Value reciprocalBeside(Value x) {
    Value isOn = where(arrayType(x), ComparePredicate::Eq), one = buildFill(builder, loc, x.getType(), 1.0);
    Value quotient = DivOp::create(builder, loc, one, select(isOn, one, x));
    return select(isOn, buildFill(builder, loc, x.getType(), 0.0), quotient);
  }
  /// What the lower triangle gets where S is what the whole symmetric matrix gets.
  Value fold(Value s) {
    Value both = keep(add(s, transpose(s)), ComparePredicate::Ge);
    return select(where(arrayType(s), ComparePredicate::Eq), s, both);
  }
  /// The first k columns of x.
  Value firstColumns(Value x, Attribute k) { return gather(x, matrixOf(rows(x), k), count(matrixOf(rows(x), k), false)); }
  /// The columns of `first`, then those of `rest` that stand behind them.
  Value behind(Value first, Value rest) {
    ArrayType type = arrayType(rest);
    Value column = count(type, false), isFirst = CompareOp::create(builder, loc, ComparePredicate::Lt, column, size(columns(first), type));
    Value place = select(isFirst, column, buildIntFill(builder, loc, column.getType(), 0));
    return select(isFirst, gather(first, type, place), rest);
  }
  /// x with zeros in its first k columns.
  Value keepBehind(Value x, Attribute k) {
    Value isFirst = CompareOp::create(builder, loc, ComparePredicate::Lt, count(arrayType(x), false), size(k, arrayType(x)));
    return select(isFirst, buildFill(builder, loc, x.getType(), 0.0), x);
  }

  /// Sends a contribution to an operand; where all that a matrix's results get is 0, so is it, be the matrix as it may.
  void send(Value operand, Value contribution) {
    Value size;
    for (Value t : given) {
      if (!t || !context.guardBy)
        continue;
      SmallVector<int64_t> own = llvm::to_vector(llvm::seq<int64_t>(batch, arrayType(t).getRank()));
      Value largest = spread(buildReduce(builder, loc, ReductionKind::Max, AbsOp::create(builder, loc, t), own), arrayType(contribution));
      size = size ? add(size, largest) : largest;
    }
    context.add(operand, size ? context.guard(size, contribution) : contribution);
  }

private:
  Value alongAxis(Value x, ArrayType type, int64_t axis) {
    SmallVector<int64_t> kept = llvm::to_vector(llvm::seq<int64_t>(0, batch));
    kept.push_back(axis);
    return buildBroadcast(builder, loc, x, type, kept);
  }
  Value gather(Value x, ArrayType type, Value column) {
    SmallVector<Value> places;
    for (int64_t axis = 0; axis <= batch; ++axis)
      places.push_back(IotaOp::create(builder, loc, type.withElement(builder.getI64Type()), builder.getI64IntegerAttr(axis)));
    places.push_back(column);
    return GatherOp::create(builder, loc, type, x, places, /*in_bounds=*/true);
  }
  Value size(Attribute dim, ArrayType type) {
    Value n = isa<IntegerAttr>(dim) ? ConstantOp::create(builder, loc, cast<IntegerAttr>(dim).getInt()).getResult()
                                    : DimOp::create(builder, loc, cast<StringAttr>(dim)).getResult();
    return buildBroadcast(builder, loc, n, type.withElement(builder.getI64Type()), {});
  }

  Operation *op;
  ReverseContext &context;
  OpBuilder &builder;
  Location loc;
  int64_t batch;
  Type element;
  SmallVector<Value> given;
};

} // namespace

static void reverse(CholeskyOp op, Matrices &m, ReverseContext &) {
  Value l = op.getL(), p = m.product(l, m.dy(0), true);
  p = m.keep(m.select(m.where(m.typeOf(p), ComparePredicate::Eq), m.half(p), p), ComparePredicate::Ge);
  // S^T = L^-T (L^-T P)^T
  Value s = m.solve(MatrixKind::Lower, l, m.transpose(m.solve(MatrixKind::Lower, l, p, true)), true);
  m.send(op.getA(), m.fold(s));
}

static void reverse(SolveOp op, Matrices &m, ReverseContext &context) {
  Value b = m.solve(op.getKind(), op.getA(), m.dy(0), !op.getTransposed());
  if (context.needs(op.getB()))
    m.send(op.getB(), b);
  if (!context.needs(op.getA()))
    return;
  Value a = m.negate(op.getTransposed() ? m.product(op.getX(), b, false, true) : m.product(b, op.getX(), false, true));
  if (op.getKind() == MatrixKind::Lower)
    a = m.keep(a, ComparePredicate::Ge);
  if (op.getKind() == MatrixKind::Upper)
    a = m.keep(a, ComparePredicate::Le);
  if (op.getKind() == MatrixKind::Positive)
    a = m.fold(a);
  m.send(op.getA(), a);
}

static void reverse(LogDetOp op, Matrices &m, ReverseContext &) {
  if (!m.dy(0)) // the sign is constant
    return;
  ArrayType type = m.typeOf(op.getA());
  Value inverse = m.solve(MatrixKind::General, op.getA(), m.identity(type), true);
  m.send(op.getA(), m.mul(m.spread(m.dy(0), type), inverse));
}

/// A matrix that is wider than high is [X, Y] = Q [U, V]: X = Q U is square, and V = Q^T Y.
static void reverse(QrOp op, Matrices &m, ReverseContext &) {
  Value a = op.getA(), q = op.getQ(), r = op.getR(), dq = m.orZero(0), dr = m.orZero(1);
  Attribute k = m.columns(q);
  bool isTall = m.columns(a) == k;
  Value u = r, du = dr;
  if (!isTall) {
    u = m.firstColumns(r, k);
    du = m.firstColumns(dr, k);
    dq = m.add(dq, m.product(m.keepBehind(a, k), dr, false, true));
  }
  Value mixed = m.sub(m.product(u, du, false, true), m.product(dq, q, true));
  Value sym = m.add(m.keep(mixed, ComparePredicate::Ge), m.transpose(m.keep(mixed, ComparePredicate::Gt)));
  Value x = m.transpose(m.solve(MatrixKind::Upper, u, m.transpose(m.add(dq, m.product(q, sym)))));
  m.send(a, isTall ? x : m.behind(x, m.product(q, dr)));
}

static void reverse(EighOp op, Matrices &m, ReverseContext &) {
  Value q = op.getVectors(), inner;
  ArrayType type = m.typeOf(q);
  if (m.dy(0))
    inner = m.onDiagonal(m.dy(0), type);
  if (m.dy(1)) {
    Value distance = m.sub(m.alongColumns(op.getValues(), type), m.alongRows(op.getValues(), type));
    Value turned = m.mul(m.reciprocalBeside(distance), m.product(q, m.dy(1), true));
    inner = inner ? m.add(inner, turned) : turned;
  }
  if (inner)
    m.send(op.getA(), m.fold(m.product(m.product(q, inner), q, false, true)));
}

static void reverse(SvdOp op, Matrices &m, ReverseContext &) {
  Value u = op.getU(), s = op.getS(), v = op.getV(), du = m.dy(0), ds = m.dy(1), dv = m.dy(2), sum, inner;
  ArrayType type = m.matrixOf(m.columns(u), m.columns(u));
  auto addTo = [&](Value &total, Value part) { total = total ? m.add(total, part) : part; };
  Value columns = m.alongColumns(s, type), rows = m.alongRows(s, type), reciprocal;
  if (du || dv) // (s[j] - s[i]) (s[j] + s[i])
    reciprocal = m.reciprocalBeside(m.mul(m.sub(columns, rows), m.add(columns, rows)));
  auto turn = [&](Value x, Value dx) { return m.mul(reciprocal, m.sub(m.product(x, dx, true), m.product(dx, x, true))); };
  // What of dx is orthogonal to the columns of x, over s.
  auto beside = [&](Value x, Value dx) {
    Value rest = m.sub(dx, m.product(x, m.product(x, dx, true)));
    return m.div(rest, m.alongColumns(s, m.typeOf(rest)));
  };
  if (du)
    addTo(inner, m.mul(turn(u, du), columns));
  if (dv)
    addTo(inner, m.mul(rows, turn(v, dv)));
  if (ds)
    addTo(inner, m.onDiagonal(ds, type));
  if (inner)
    addTo(sum, m.product(m.product(u, inner), v, false, true));
  if (du && m.rows(u) != m.columns(u)) // of a square U nothing is left
    addTo(sum, m.product(beside(u, du), v, false, true));
  if (dv && m.rows(v) != m.columns(v))
    addTo(sum, m.product(u, beside(v, dv), false, true));
  if (sum)
    m.send(op.getA(), sum);
}

RuleResult applyLinearAlgebraRule(Operation *op, ArrayRef<Value> cotangents, ReverseContext &context) {
  return llvm::TypeSwitch<Operation *, RuleResult>(op)
      .Case<CholeskyOp, EighOp, LogDetOp, QrOp, SolveOp, SvdOp>([&](auto known) {
        Matrices matrices(op, cotangents, context);
        reverse(known, matrices, context);
        return RuleResult::Done;
      })
      .Default(RuleResult::NoRule);
}

} // namespace gradus
