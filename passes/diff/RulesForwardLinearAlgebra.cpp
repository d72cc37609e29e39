//===- RulesForwardLinearAlgebra.cpp - Forward rules of factorizations ----------===//
//
// Of one matrix; leading axes are carried along. X' is the tangent of X, tri(X) its lower triangle, tri1(X) what is below its diagonal.
//
//   solve     A X = B       X' = A^-1 (B' - A' X)
//   cholesky  A = L L^T     L' = L phi(L^-1 A' L^-T), phi = tri with half the diagonal
//   logdet                  v' = tr(A^-1 A')
//   qr        A = Q R       C = Q^T A' R^-1, W = tri1(C) - tri1(C)^T, R' = (C - W) R, Q' = A' R^-1 - Q (C - W)
//   eigh      A = Q E Q^T   D = Q^T A' Q, E' = diag(D), Q' = Q (F o D), F[i, j] = 1 / (e[j] - e[i])
//   svd       A = U S V^T   D = U^T A' V, S' = diag(D), F[i, j] = 1 / (s[j]^2 - s[i]^2)
//                           U' = U (F o (D S + S D^T)) + (I - U U^T) A' V S^-1
//                           V' = V (F o (S D + D^T S)) + (I - V V^T) A'^T U S^-1
//
// Of a function that reads the lower triangle alone A' is that triangle and its mirror image.
//
//===----------------------------------------------------------------------===//

#include "dialect/DimExpr.h"
#include "passes/diff/ForwardSweep.h"
#include "passes/diff/Matrices.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace gradus {

using Values = SmallVector<Value>;

namespace {

/// Expressions of matrices and of the tangents of one op, for each direction.
class ForwardMatrices : public Matrices {
public:
  ForwardMatrices(Value model, ForwardContext &context) : Matrices(context.behind(arrayType(model)), context), forward(context) {}

  /// A value that does not move.
  Value fixed(Value x) { return forward.wide(x); }
  Value tangent(Value operand) { return forward.orZero(operand, element); }
  bool moves(Value operand) { return forward.tangent(operand) != nullptr; }

  /// The lower triangle and its mirror image.
  Value mirror(Value x) { return add(keep(x, ComparePredicate::Ge), transpose(keep(x, ComparePredicate::Gt))); }
  Value lower(Value x) { return keep(x, ComparePredicate::Gt); }
  /// The diagonal of a square matrix, whose size is `size`.
  Value diagonal(Value x) { return buildReduce(builder, loc, ReductionKind::Sum, keep(x, ComparePredicate::Eq), batch + 1); }
  /// The inverse of a matrix that does not move.
  Value inverse(Value a) {
    Matrices one(arrayType(a), forward);
    return one.solve(MatrixKind::General, a, one.identity(arrayType(a)));
  }
  /// The trace of A B.
  Value trace(Value a, Value b) {
    SmallVector<int64_t> out = llvm::to_vector(llvm::seq<int64_t>(0, batch)), lhs = out, rhs = out;
    lhs.append({batch, batch + 1});
    rhs.append({batch + 1, batch});
    ArrayType type = ArrayType::get(builder.getContext(), leading, batch == 0 ? Type(builder.getF64Type()) : element);
    return ContractOp::create(builder, loc, type, a, b, lhs, rhs, out);
  }
  /// X with A X = B for the matrix `op` that does not move: the columns of all directions are right sides beside each other, so that it is
  /// factored once.
  Value solveMoving(SolveOp op, Value right) {
    if (!forward.seeds)
      return solve(op.getKind(), op.getA(), right, op.getTransposed());
    ArrayRef<Attribute> shape = arrayType(right).getShape(); // directions, .., rows, columns
    DimExpr sides = DimExpr::of(shape.front()) * DimExpr::of(shape.back());
    if (!sides.isValid())
      return solve(op.getKind(), fixed(op.getA()), right, op.getTransposed());
    SmallVector<Attribute> apart(shape.drop_front().drop_back()), beside = apart;
    apart.append({shape.front(), shape.back()});
    beside.push_back(sides.toAttr(builder.getContext()));
    int64_t rank = shape.size();
    SmallVector<int64_t> there = llvm::to_vector(llvm::seq<int64_t>(1, rank - 1)), back{rank - 2};
    there.append({0, rank - 1});
    llvm::append_range(back, llvm::seq<int64_t>(0, rank - 2));
    back.push_back(rank - 1);
    auto typeOf = [&](ArrayRef<Attribute> dims) { return ArrayType::get(builder.getContext(), dims, element); };
    Value b = ReshapeOp::create(builder, loc, typeOf(beside), TransposeOp::create(builder, loc, typeOf(apart), right, there));
    Value x = SolveOp::create(builder, loc, b.getType(), op.getOk().getType(), op.getKind(), op.getA(), b, op.getTransposed()).getX();
    return TransposeOp::create(builder, loc, right.getType(), ReshapeOp::create(builder, loc, typeOf(apart), x), back);
  }
  /// X with X A = B for an upper triangular A.
  Value solveRight(Value a, Value b) { return transpose(solve(MatrixKind::Upper, a, transpose(b), /*isTransposed=*/true)); }

private:
  ForwardContext &forward;
};

} // namespace

static ForwardRule forward(CholeskyOp op, ForwardMatrices &m) {
  Value l = m.fixed(op.getL()), t = m.tangent(op.getA()), a = m.mirror(t);
  // L^-1 (L^-1 A')^T is symmetric.
  Value inner = m.solve(MatrixKind::Lower, l, m.transpose(m.solve(MatrixKind::Lower, l, a)));
  Value phi = m.keep(m.select(m.where(m.typeOf(inner), ComparePredicate::Eq), m.half(inner), inner), ComparePredicate::Ge);
  return Values{m.guard(t, m.product(l, phi)), Value()};
}

static ForwardRule forward(SolveOp op, ForwardMatrices &m) {
  Value right;
  Values given;
  if (m.moves(op.getB())) {
    right = m.tangent(op.getB());
    given.push_back(right);
  }
  if (m.moves(op.getA())) {
    Value t = m.tangent(op.getA());
    given.push_back(t);
    if (op.getKind() == MatrixKind::Lower)
      t = m.keep(t, ComparePredicate::Ge);
    if (op.getKind() == MatrixKind::Upper)
      t = m.keep(t, ComparePredicate::Le);
    if (op.getKind() == MatrixKind::Positive)
      t = m.mirror(t);
    Value moved = m.product(t, m.fixed(op.getX()), op.getTransposed());
    right = right ? m.sub(right, moved) : m.negate(moved);
  }
  return Values{m.guard(given, m.solveMoving(op, right)), Value()};
}

/// The sign is constant.
static ForwardRule forward(LogDetOp op, ForwardMatrices &m) {
  Value t = m.tangent(op.getA());
  return Values{m.guard(t, m.trace(m.fixed(m.inverse(op.getA())), t)), Value()};
}

/// A matrix that is wider than high is [X, Y] = Q [U, V]: X = Q U is square, and V = Q^T Y.
static ForwardRule forward(QrOp op, ForwardMatrices &m) {
  Value a = m.fixed(op.getA()), q = m.fixed(op.getQ()), r = m.fixed(op.getR()), t = m.tangent(op.getA());
  Attribute k = m.columns(q);
  bool isTall = m.columns(a) == k;
  Value u = isTall ? r : m.firstColumns(r, k), x = isTall ? t : m.firstColumns(t, k);
  Value moved = m.solveRight(u, x), c = m.product(q, moved, true);
  Value upper = m.sub(c, m.sub(m.lower(c), m.transpose(m.lower(c))));
  Value du = m.keep(m.product(upper, u), ComparePredicate::Le), dq = m.sub(moved, m.product(q, upper));
  Value dr = isTall ? du : m.behind(du, m.add(m.product(dq, a, true), m.product(q, t, true)));
  return Values{m.guard(t, dq), m.guard(t, dr)};
}

static ForwardRule forward(EighOp op, ForwardMatrices &m) {
  Value q = m.fixed(op.getVectors()), e = m.fixed(op.getValues()), t = m.tangent(op.getA());
  Value d = m.product(m.product(q, m.mirror(t), true), q);
  Value distance = m.sub(m.alongColumns(e, m.typeOf(q)), m.alongRows(e, m.typeOf(q)));
  return Values{m.guard(t, m.diagonal(d)), m.guard(t, m.product(q, m.mul(m.reciprocalBeside(distance), d))), Value()};
}

static ForwardRule forward(SvdOp op, ForwardMatrices &m) {
  Value u = m.fixed(op.getU()), s = m.fixed(op.getS()), v = m.fixed(op.getV()), t = m.tangent(op.getA());
  Value right = m.product(t, v), left = m.product(t, u, true), d = m.product(u, right, true), turned = m.transpose(d);
  ArrayType type = m.typeOf(d);
  Value columns = m.alongColumns(s, type), rows = m.alongRows(s, type);
  Value reciprocal = m.reciprocalBeside(m.mul(m.sub(columns, rows), m.add(columns, rows)));
  // What of dx is orthogonal to the columns of x, over s; of a square x nothing is left.
  auto withBeside = [&](Value x, Value inside, Value dx) {
    Value turn = m.product(x, m.mul(reciprocal, inside));
    if (m.rows(x) == m.columns(x))
      return turn;
    Value rest = m.sub(dx, m.product(x, m.product(x, dx, true)));
    return m.add(turn, m.div(rest, m.alongColumns(s, m.typeOf(rest))));
  };
  Value du = withBeside(u, m.add(m.mul(d, columns), m.mul(rows, turned)), right);
  Value dv = withBeside(v, m.add(m.mul(rows, d), m.mul(turned, columns)), left);
  return Values{m.guard(t, du), m.guard(t, m.diagonal(d)), m.guard(t, dv), Value()};
}

ForwardRule applyForwardLinearAlgebraRule(Operation *op, ForwardContext &context) {
  return llvm::TypeSwitch<Operation *, ForwardRule>(op)
      .Case<CholeskyOp, EighOp, LogDetOp, QrOp, SolveOp, SvdOp>([&](auto known) {
        ForwardMatrices matrices(known.getA(), context);
        return forward(known, matrices);
      })
      .Default([](Operation *) { return ForwardRule(failure()); });
}

} // namespace gradus
