//===- EvaluatorLinearAlgebra.cpp - Factorizations of matrices ------------------===//
//
// Textbook algorithms in the scalar type of the frame, one matrix after the other. Every decision (pivots, signs, order, whether an
// iteration has ended) looks at leads alone, so that the same steps give derivatives of dual numbers; the iterations then
// take a few sweeps more, in which the tangents follow.
//
//===----------------------------------------------------------------------===//

#include "codegen/reference/Frame.h"
#include "codegen/reference/Matrix.h"

#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <numeric>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

namespace {

/// The algorithms for one scalar type. Those that may fail return false.
template <typename S>
struct Solver {
  using M = Math<S>;
  using Mat = Matrix<S>;
  using Lead = typename M::Lead;

  static Lead size(const S &x) { return std::fabs(M::lead(x)); }
  static bool isFinite(const S &x) { return std::isfinite(M::lead(x)); }
  static bool isFinite(const Mat &a, bool hasLower = true, bool hasUpper = true) {
    for (int64_t i = 0; i < a.rows; ++i)
      for (int64_t j = 0; j < a.columns; ++j)
        if ((i >= j ? (hasLower || i == j) : hasUpper) && !isFinite(a(i, j)))
          return false;
    return true;
  }
  /// What a function sees that reads the lower triangle alone.
  static Mat mirrored(Mat a) {
    for (int64_t i = 0; i < a.rows; ++i)
      for (int64_t j = i + 1; j < a.columns; ++j)
        a(i, j) = a(j, i);
    return a;
  }

  /// Column by column, each taken out of those behind it.
  static bool cholesky(Mat a, Mat &l) {
    int64_t n = a.rows;
    for (int64_t j = 0; j < n; ++j) {
      if (!(M::lead(a(j, j)) > 0) || !isFinite(a(j, j)))
        return false;
      l(j, j) = M::sqrt(a(j, j));
      for (int64_t i = j + 1; i < n; ++i)
        l(i, j) = a(i, j) / l(j, j);
      for (int64_t i = j + 1; i < n; ++i)
        for (int64_t k = j + 1; k <= i; ++k)
          a(i, k) = a(i, k) - l(i, j) * l(k, j);
    }
    return isFinite(l);
  }

  /// a becomes L and U, its rows in the order `order`. Returns whether no pivot is 0.
  static bool factor(Mat &a, std::vector<int64_t> &order, bool &isOdd) {
    int64_t n = a.rows;
    order.resize(n);
    std::iota(order.begin(), order.end(), 0);
    isOdd = false;
    for (int64_t j = 0; j < n; ++j) {
      int64_t best = j;
      for (int64_t i = j; i < n; ++i)
        if (size(a(i, j)) > size(a(best, j)))
          best = i;
      if (best != j) {
        std::swap(order[j], order[best]);
        isOdd = !isOdd;
        for (int64_t k = 0; k < n; ++k)
          std::swap(a(j, k), a(best, k));
      }
      if (M::lead(a(j, j)) == 0 || !isFinite(a(j, j)))
        return false;
      for (int64_t i = j + 1; i < n; ++i) {
        a(i, j) = a(i, j) / a(j, j);
        for (int64_t k = j + 1; k < n; ++k)
          a(i, k) = a(i, k) - a(i, j) * a(j, k);
      }
    }
    return true;
  }

  /// Substitution: from the top where t is lower triangular, else from the bottom.
  static bool substitute(const Mat &t, bool isLower, bool hasUnits, Mat &x) {
    int64_t n = t.rows;
    for (int64_t step = 0; step < n; ++step) {
      int64_t i = isLower ? step : n - 1 - step;
      if (!hasUnits && M::lead(t(i, i)) == 0)
        return false;
      for (int64_t c = 0; c < x.columns; ++c) {
        S sum = x(i, c);
        for (int64_t j = isLower ? 0 : i + 1; j < (isLower ? i : n); ++j)
          sum = sum - t(i, j) * x(j, c);
        x(i, c) = hasUnits ? sum : sum / t(i, i);
      }
    }
    return true;
  }

  static bool solve(MatrixKind kind, bool isTransposed, Mat a, const Mat &b, Mat &x) {
    x = b;
    if (!isFinite(a, kind != MatrixKind::Upper, kind == MatrixKind::General || kind == MatrixKind::Upper))
      return false;
    if (kind == MatrixKind::Lower || kind == MatrixKind::Upper)
      return substitute(isTransposed ? a.transposed() : a, (kind == MatrixKind::Lower) != isTransposed, false, x);
    if (kind == MatrixKind::Positive) {
      Mat l(a.rows, a.rows);
      return cholesky(a, l) && substitute(l, true, false, x) && substitute(l.transposed(), false, false, x);
    }
    std::vector<int64_t> order;
    bool isOdd;
    if (!factor(a, order, isOdd))
      return false;
    if (!isTransposed) {
      for (int64_t i = 0; i < b.rows; ++i)
        for (int64_t c = 0; c < b.columns; ++c)
          x(i, c) = b(order[i], c);
      return substitute(a, true, true, x) && substitute(a, false, false, x);
    }
    Mat turned = a.transposed(), y = b;
    bool isFine = substitute(turned, true, false, y) && substitute(turned, false, true, y);
    for (int64_t i = 0; i < b.rows; ++i)
      for (int64_t c = 0; c < b.columns; ++c)
        x(order[i], c) = y(i, c);
    return isFine;
  }

  /// Applies I - 2 v v^T / v^T v to the rows of `to`.
  static void reflect(const std::vector<S> &v, const S &square, Mat &to) {
    for (int64_t c = 0; c < to.columns; ++c) {
      S sum(0);
      for (int64_t i = 0; i < to.rows; ++i)
        sum = sum + v[i] * to(i, c);
      sum = S(2) * sum / square;
      for (int64_t i = 0; i < to.rows; ++i)
        to(i, c) = to(i, c) - v[i] * sum;
    }
  }

  static bool qr(Mat a, Mat &q, Mat &r) {
    int64_t m = a.rows, k = q.columns;
    if (!isFinite(a))
      return false;
    std::vector<std::pair<std::vector<S>, S>> reflections;
    for (int64_t j = 0; j < k; ++j) {
      std::vector<S> v(m, S(0));
      S below(0);
      bool hasBelow = false;
      for (int64_t i = j + 1; i < m; ++i) {
        v[i] = a(i, j);
        below = below + v[i] * v[i];
        hasBelow |= !M::isZero(v[i]);
      }
      S norm2 = below + a(j, j) * a(j, j);
      if (!hasBelow || M::lead(norm2) == 0)
        continue;
      S norm = M::sqrt(norm2);
      v[j] = M::lead(a(j, j)) > 0 ? a(j, j) + norm : a(j, j) - norm;
      reflections.emplace_back(v, below + v[j] * v[j]);
      reflect(v, reflections.back().second, a);
    }
    Mat whole = Mat::identity(m);
    for (auto &[v, square] : llvm::reverse(reflections))
      reflect(v, square, whole);
    for (int64_t j = 0; j < k; ++j) {
      bool isNegative = M::lead(a(j, j)) < 0;
      for (int64_t i = 0; i < m; ++i)
        q(i, j) = isNegative ? -whole(i, j) : whole(i, j);
      for (int64_t c = j; c < r.columns; ++c)
        r(j, c) = isNegative ? -a(j, c) : a(j, c);
    }
    return true;
  }

  /// The cosine and sine of the rotation that makes [[p, g], [g, q]] diagonal; false where none is needed.
  static bool findRotation(const S &p, const S &q, const S &g, S &c, S &s) {
    S d = q - p;
    if (M::isZero(g) || (M::lead(g) == 0 && M::lead(d) == 0))
      return false;
    S root = M::sqrt(d * d + S(4) * g * g);
    S t = S(2) * g / (M::lead(d) < 0 ? d - root : d + root);
    c = S(1) / M::sqrt(S(1) + t * t);
    s = t * c;
    return true;
  }

  static constexpr int mostSweeps = 60;
  /// Convergence is quadratic: one sweep after rounding errors alone are left takes what there is to take, a few more do so for tangents.
  static constexpr int extraSweeps = M::order > 0 || !std::is_floating_point_v<S> ? 5 : 1;

  /// a = V diag(values) V^T by cyclic Jacobi; a becomes diagonal.
  static bool diagonalize(Mat &a, Mat &v) {
    int64_t n = a.rows;
    int extra = 0;
    for (int sweep = 0; sweep < mostSweeps; ++sweep) {
      Lead off = 0, on = 0;
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < n; ++j)
          (i == j ? on : off) = std::max(i == j ? on : off, size(a(i, j)));
      if (off <= 2 * n * std::numeric_limits<Lead>::epsilon() * on && extra++ == extraSweeps)
        return true;
      for (int64_t p = 0; p < n; ++p)
        for (int64_t q = p + 1; q < n; ++q) {
          S c(1), s(0);
          if (!findRotation(a(p, p), a(q, q), a(p, q), c, s))
            continue;
          a.rotateColumns(p, q, c, s);
          v.rotateColumns(p, q, c, s);
          a.rotateRows(p, q, c, s);
        }
    }
    return false;
  }

  static bool eigh(const Mat &a, std::vector<S> &values, Mat &vectors) {
    int64_t n = a.rows;
    if (!isFinite(a, true, false))
      return false;
    Mat d = mirrored(a), v = Mat::identity(n);
    if (!diagonalize(d, v))
      return false;
    std::vector<int64_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int64_t i, int64_t j) { return std::pair(M::lead(d(i, i)), i) < std::pair(M::lead(d(j, j)), j); });
    for (int64_t j = 0; j < n; ++j) {
      values[j] = d(order[j], order[j]);
      for (int64_t i = 0; i < n; ++i)
        vectors(i, j) = v(i, order[j]);
      if (vectors.pointsDown(j))
        vectors.negateColumn(j);
    }
    return true;
  }

  /// Makes column j of `w` orthogonal to those before it and of length 1; where nothing is left of it, one of the unit vectors.
  static void complete(Mat &w, int64_t j) {
    for (int64_t attempt = -1; attempt < w.rows; ++attempt) {
      for (int64_t i = 0; i < w.rows && attempt >= 0; ++i)
        w(i, j) = S(i == attempt ? 1 : 0);
      for (int pass = 0; pass < 2; ++pass)
        for (int64_t k = 0; k < j; ++k) {
          S along = w.dotColumns(j, k);
          for (int64_t i = 0; i < w.rows; ++i)
            w(i, j) = w(i, j) - along * w(i, k);
        }
      S square = w.dotColumns(j, j);
      if (M::lead(square) * w.rows < 0.5)
        continue;
      S norm = M::sqrt(square);
      for (int64_t i = 0; i < w.rows; ++i)
        w(i, j) = w(i, j) / norm;
      return;
    }
  }

  /// Turns the columns of w until they are orthogonal, and those of v with them.
  static bool orthogonalize(Mat &w, Mat &v) {
    Lead epsilon = std::numeric_limits<Lead>::epsilon();
    int extra = 0;
    for (int sweep = 0; sweep < mostSweeps; ++sweep) {
      Lead largest = 0, worst = 0;
      for (int64_t j = 0; j < w.columns; ++j)
        largest = std::max(largest, size(w.dotColumns(j, j)));
      Lead noise = largest * epsilon * epsilon * w.rows * w.rows;
      for (int64_t p = 0; p < w.columns; ++p)
        for (int64_t q = p + 1; q < w.columns; ++q) {
          S a = w.dotColumns(p, p), b = w.dotColumns(q, q), g = w.dotColumns(p, q), c(1), s(0);
          if (M::lead(a) <= noise || M::lead(b) <= noise || !findRotation(a, b, g, c, s))
            continue;
          worst = std::max(worst, size(g) / std::sqrt(M::lead(a) * M::lead(b)));
          w.rotateColumns(p, q, c, s);
          v.rotateColumns(p, q, c, s);
        }
      if (worst <= 4 * epsilon * std::sqrt(Lead(w.rows)) && extra++ == extraSweeps)
        return true;
    }
    return false;
  }

  static bool svd(const Mat &a, Mat &u, std::vector<S> &values, Mat &v) {
    if (!isFinite(a))
      return false;
    bool isTall = a.rows >= a.columns;
    Mat w = isTall ? a : a.transposed(), turned = Mat::identity(w.columns);
    if (!orthogonalize(w, turned))
      return false;
    int64_t k = w.columns;
    for (int64_t j = 0; j < k; ++j) {
      int64_t most = j;
      for (int64_t i = j; i < k; ++i)
        if (M::lead(w.dotColumns(i, i)) > M::lead(w.dotColumns(most, most)))
          most = i;
      w.swapColumns(j, most);
      turned.swapColumns(j, most);
      S square = w.dotColumns(j, j);
      bool isZero = M::lead(square) == 0;
      std::vector<S> column;
      for (int64_t i = 0; i < w.rows && isZero; ++i)
        column.push_back(w(i, j));
      values[j] = isZero ? S(0) : M::sqrt(square);
      for (int64_t i = 0; i < w.rows && !isZero; ++i)
        w(i, j) = w(i, j) / values[j];
      if (M::lead(values[j]) <= 2 * std::numeric_limits<Lead>::epsilon() * w.rows * M::lead(values[0]))
        complete(w, j);
      for (int64_t i = 0; i < w.rows && isZero; ++i) // the slope of u^T A v, as the rules of the compiler have it
        values[j] = values[j] + w(i, j) * column[i];
    }
    u = isTall ? w : turned;
    v = isTall ? turned : w;
    for (int64_t j = 0; j < k; ++j)
      if (u.pointsDown(j)) {
        u.negateColumn(j);
        v.negateColumn(j);
      }
    return true;
  }
};

/// The results of an op for one matrix of each operand. Parts that a failed op does not have are NaN.
template <typename S>
struct Parts {
  std::vector<std::vector<S>> reals; ///< of each floating result, in order
  bool isFine = true;

  void spoil(const S &unknown) {
    for (std::vector<S> &part : reals)
      std::fill(part.begin(), part.end(), unknown + S(std::numeric_limits<double>::quiet_NaN()));
  }
};

/// 0, with the derivative NaN in each direction in which a finite x moves.
template <typename S>
S unknownSlope(const S &x) {
  return Math<S>::withUnknownSlope(x - Math<S>::drop(x));
}
template <typename F>
std::complex<F> unknownSlope(const std::complex<F> &x) {
  return {0, x.imag() == 0 ? 0 : std::numeric_limits<F>::quiet_NaN()};
}

/// The same for all that an op reads: what has failed has no derivative either.
template <typename S>
S unknownSlope(Operation *op, const Matrix<S> &a, const Matrix<S> *b) {
  S sum(0);
  auto add = [&](const S &x) { sum = sum + unknownSlope(x); };
  auto solve = dyn_cast<SolveOp>(op);
  MatrixKind kind = solve ? solve.getKind() : MatrixKind::General;
  bool isLower = isa<CholeskyOp, EighOp>(op) || kind == MatrixKind::Lower || kind == MatrixKind::Positive;
  for (int64_t i = 0; i < a.rows; ++i)
    for (int64_t j = 0; j < a.columns; ++j)
      if (!(isLower && j > i) && !(kind == MatrixKind::Upper && j < i))
        add(a(i, j));
  if (b)
    llvm::for_each(b->elements, add);
  return sum;
}

} // namespace

template <typename S>
static Parts<S> compute(Operation *op, const Matrix<S> &a, const Matrix<S> *b) {
  using Alg = Solver<S>;
  int64_t m = a.rows, n = a.columns, k = std::min(m, n);
  Parts<S> parts;
  TypeSwitch<Operation *>(op)
      .template Case<CholeskyOp>([&](auto) {
        Matrix<S> l(n, n);
        parts.isFine = Alg::isFinite(a, true, false) && Alg::cholesky(a, l);
        parts.reals = {l.elements};
      })
      .template Case<SolveOp>([&](SolveOp solve) {
        Matrix<S> x = *b;
        parts.isFine = Alg::solve(solve.getKind(), solve.getTransposed(), a, *b, x);
        parts.reals = {x.elements};
      })
      .template Case<LogDetOp>([&](auto) {
        Matrix<S> w = a;
        std::vector<int64_t> order;
        bool isOdd = false, isRegular = Alg::isFinite(a) && Alg::factor(w, order, isOdd);
        S value(0);
        int sign = isOdd ? -1 : 1;
        for (int64_t i = 0; i < n && isRegular; ++i) {
          value = value + Math<S>::log(Math<S>::abs(w(i, i)));
          sign = Math<S>::lead(w(i, i)) < 0 ? -sign : sign;
        }
        parts.isFine = Alg::isFinite(a);
        parts.reals = {{isRegular ? value : unknownSlope<S>(op, a, nullptr) + S(-std::numeric_limits<double>::infinity())}, {S(isRegular ? sign : 0)}};
      })
      .template Case<QrOp>([&](auto) {
        Matrix<S> q(m, k), r(k, n);
        parts.isFine = Alg::qr(a, q, r);
        parts.reals = {q.elements, r.elements};
      })
      .template Case<EighOp>([&](auto) {
        Matrix<S> vectors(n, n);
        std::vector<S> values(n, S(0));
        parts.isFine = Alg::eigh(a, values, vectors);
        parts.reals = {values, vectors.elements};
      })
      .template Case<SvdOp>([&](auto) {
        Matrix<S> u(m, k), v(n, k);
        std::vector<S> values(k, S(0));
        parts.isFine = Alg::svd(a, u, values, v);
        parts.reals = {u.elements, values, v.elements};
      });
  if (!parts.isFine)
    parts.spoil(unknownSlope(op, a, b));
  return parts;
}

template <typename S>
static Matrix<S> takeMatrix(const Array<S> &all, int64_t number) {
  size_t rank = all.shape.size();
  Matrix<S> one(all.shape[rank - 2], all.shape[rank - 1]);
  std::copy_n(all.reals.begin() + number * one.rows * one.columns, one.rows * one.columns, one.elements.begin());
  return one;
}

template <typename S>
LogicalResult Frame<S>::runMatrix(Operation *op, Slots slots) {
  for (unsigned slot : slots) {
    Arrays<S> results;
    for (Value result : op->getResults()) {
      Shape shape;
      if (failed(session.resolve(op, arrayType(result).getShape(), slot, shape)))
        return failure();
      results.push_back(Array<S>::zeros(kindOf(result.getType()), shape));
    }
    const Array<S> &a = get(op->getOperand(0), slot);
    const Array<S> *b = isa<SolveOp>(op) ? &get(op->getOperand(1), slot) : nullptr;
    for (int64_t number = 0, count = countElements(ArrayRef(a.shape).drop_back(2)); number < count; ++number) {
      std::optional<Matrix<S>> right;
      if (b)
        right = takeMatrix(*b, number);
      Parts<S> parts = compute(op, takeMatrix(a, number), right ? &*right : nullptr);
      size_t next = 0;
      for (Array<S> &result : results) {
        if (result.kind != Kind::Real) {
          result.ints[number] = parts.isFine;
          continue;
        }
        const std::vector<S> &part = parts.reals[next++];
        std::copy(part.begin(), part.end(), result.reals.begin() + number * part.size());
      }
    }
    for (auto [value, result] : llvm::zip_equal(op->getResults(), results))
      set(value, slot, std::move(result));
  }
  return success();
}

#define INSTANTIATE(S) template LogicalResult Frame<S>::runMatrix(Operation *, Slots);
GRADUS_FOR_EACH_SCALAR(INSTANTIATE)
