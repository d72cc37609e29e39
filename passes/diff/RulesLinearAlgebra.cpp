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

#include "passes/diff/Matrices.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace gradus {

namespace {

/// And what the results of one op get.
class ReverseMatrices : public Matrices {
public:
  ReverseMatrices(Operation *op, ArrayRef<Value> cotangents, ReverseContext &context)
      : Matrices(arrayType(op->getOperand(0)), context), op(op), reverseContext(context) {
    for (auto [result, dy] : llvm::zip_equal(op->getResults(), cotangents))
      given.push_back(dy ? context.toElement(dy, arrayType(result).isScalar() ? arrayType(result).getElementType() : element) : Value());
  }

  /// The cotangent of a result, null where it has none.
  Value dy(unsigned result) const { return given[result]; }
  Value orZero(unsigned result) { return given[result] ? given[result] : buildFill(builder, loc, op->getResult(result).getType(), 0.0); }
  /// Sends a contribution to an operand.
  void send(Value operand, Value contribution) { reverseContext.add(operand, guard(given, contribution)); }

private:
  Operation *op;
  ReverseContext &reverseContext;
  SmallVector<Value> given;
};

} // namespace

static void reverse(CholeskyOp op, ReverseMatrices &m, ReverseContext &) {
  Value l = op.getL(), p = m.product(l, m.dy(0), true);
  p = m.keep(m.select(m.where(m.typeOf(p), ComparePredicate::Eq), m.half(p), p), ComparePredicate::Ge);
  // S^T = L^-T (L^-T P)^T
  Value s = m.solve(MatrixKind::Lower, l, m.transpose(m.solve(MatrixKind::Lower, l, p, true)), true);
  m.send(op.getA(), m.fold(s));
}

static void reverse(SolveOp op, ReverseMatrices &m, ReverseContext &context) {
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

static void reverse(LogDetOp op, ReverseMatrices &m, ReverseContext &) {
  if (!m.dy(0)) // the sign is constant
    return;
  ArrayType type = m.typeOf(op.getA());
  Value inverse = m.solve(MatrixKind::General, op.getA(), m.identity(type), true);
  m.send(op.getA(), m.mul(m.spread(m.dy(0), type), inverse));
}

/// A matrix that is wider than high is [X, Y] = Q [U, V]: X = Q U is square, and V = Q^T Y.
static void reverse(QrOp op, ReverseMatrices &m, ReverseContext &) {
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

static void reverse(EighOp op, ReverseMatrices &m, ReverseContext &) {
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

static void reverse(SvdOp op, ReverseMatrices &m, ReverseContext &) {
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
        ReverseMatrices matrices(op, cotangents, context);
        reverse(known, matrices, context);
        return RuleResult::Done;
      })
      .Default(RuleResult::NoRule);
}

} // namespace gradus
