//===- Analysis.cpp - Matrices, transforms, windows, derivatives ------------------===//
//
// Matrices have eigenvalues of at least 1, so that what their factors are made of is well-conditioned.
//
//===----------------------------------------------------------------------===//

#include "Generator.h"

#include <utility>

using namespace gradus::random_specs;

/// d by d, of an operand over n and d; symmetric and positive, or only its symmetric part is.
static std::string gram(const std::string &x) { return "(eye(d) + tanh(" + x + ").T @ tanh(" + x + "))"; }

NodePtr Formulas::factored(const Dims &dims, int depth) {
  std::string positive = gram("$0"), skew = "outer(tanh($1), sin($1)) - outer(sin($1), tanh($1))";
  if (dims == "d") {
    std::vector<std::string> ways = {
        "solve(@, $1)",           "solve(@ + " + skew + ", $1)", "solve[transposed](@ + " + skew + ", $1)", "solve[positive](@, $1)", "solve[lower](cholesky(@), $1)",
        "(cholesky(@) @ $1)",     "diag(inverse(@))",            "solve[upper](cholesky(@).T, $1)",         "(inverse(@) @ $1)",      "solve[lower, transposed](cholesky(@), $1)",
        "(expm((@ - 1.5 * eye(d)) / (1.0 + n)) @ $1)", "(expm((tanh(@) + 8 * tanh(" + skew + ")) / (1.0 + d)) @ $1)"};
    std::string text = pick(ways);
    text.replace(text.find('@'), 1, positive);
    return make(text, dims, value("nd", depth), value("d", depth));
  }
  if (dims == "nd") {
    std::vector<std::string> ways = {"solve(" + positive + ", ($1).T).T", "($1 @ inverse(" + positive + "))", "($1 @ expm((8 * sin(" + positive + ") - 1) / (1.0 + d)))"};
    return make(pick(ways), dims, value("nd", depth), value("nd", depth));
  }
  if (dims == "dc" && kind != Matrix)
    return make("solve(" + positive + ", $1)", dims, value("nd", depth), value("dc", depth));
  if (!dims.empty())
    return value(dims, depth);
  std::vector<std::string> ways = {"logdet(" + positive + ")", "log(det(" + positive + "))", "trace(inverse(" + positive + "))", "norm2(" + positive + ")",
                                   "norm(expm(0.01 * " + positive + "))"};
  return make(pick(ways), "", value("nd", depth));
}

/// Decompositions whose vectors are unique up to the sign that the language fixes.
Statement Formulas::decomposed(const std::string &id) {
  std::string apart = "diag(1.0 + arange(d)) + 0.3 * (tanh($0).T @ tanh($0)) / (1.0 + n)", z = "z" + id;
  switch (below(3)) {
  case 0: {
    std::string e = "v" + id, Q = "u" + id;
    Statement made{e + ", " + Q + " = ", make("eigh(" + apart + ")\n  " + z + " = 0.1 * (" + Q + " @ " + e + ") + tanh(" + e + ")", "d", value("nd", 2)), false};
    names.insert({"d", z});
    return made;
  }
  case 1: {
    Statement made{"u" + id + ", v" + id + " = ", make("qr(" + gram("$0") + ")\n  " + z + " = v" + id + " @ ones(d) + diag(u" + id + ")", "d", value("nd", 2)), false};
    names.insert({"d", z});
    return made;
  }
  default: {
    Statement made{"u" + id + ", v" + id + ", x" + id + " = ", make("svd(" + apart + ")\n  " + z + " = sum(log(v" + id + "))", "", value("nd", 2)), false};
    names.insert({"", z});
    return made;
  }
  }
}

/// Fourier transforms, correlations, means of blocks. Imaginary parts of real numbers are 0 at places: the sign of rounding would be one of chance.
NodePtr Formulas::windowed(const Dims &dims, int depth) {
  if (dims.empty())
    return make(word({"sum(correlate[stride = 2, pad = 1]($0, [0.5, -1, 0.25]))", "norm(correlate[dilation = 2, pad = 2]($0, [1, 0.5, 0.25]))",
                      "0.1 * sum(real(fft($0)) * $0)"}),
                "", value(shapes[below(2)], depth));
  if (dims.size() == 2)
    return make(word({"correlate[pad = 1]($0, [[0, 0.5, 0], [0.25, -1, 0.25], [0, 0.5, 0]])", "(0.2 * real(fft[axis = 0]($0)))", "(0.2 * imag(fft[axis = 1]($0)) + $1)",
                      "real(ifft[axis = 1](fft[axis = 1]($0) * fft[axis = 1]($1)))", "convolve[pad = (0, 1)]($0, [[0.5, -1, 0.25]])"}),
                dims, value(dims, depth), value(dims, depth));
  if (dims == "c" && oneOf(2))
    return make(word({"mean[blocks = 2, keep]($0)", "repeat(sum[blocks = 2]($0), 2)", "repeat(max[blocks = 2]($0), 2)", "norm[blocks = 4, keep]($0)"}), dims, value(dims, depth));
  return make(word({"correlate[pad = 1]($0, [0.5, -1, 0.25])", "convolve[pad = 1]($0, [0.5, -1, 0.25])", "(0.2 * real(fft($0)))", "(imag(ifft($0)) + $1)",
                    "(0.2 * real(ifft(fft($0) * conj(fft($1)))))", "real(fft($0) / complex(2 + $1^2, 1))"}),
              dims, value(dims, depth), value(dims, depth));
}

/// A function of its own and its gradient, or a product with its Hessian or Jacobian.
Statement Formulas::derived(const std::string &id) {
  Dims dims = anyDims();
  std::string f = "f" + id, v = "v" + id, z = "z" + id;
  NodePtr point = value(dims, 1), direction = value(dims, 1);
  bool hadDerivative = std::exchange(hasDerivative, true), isMap = dims.size() == 1 && oneOf(3);
  auto place = names.insert({dims, v});
  std::string seen = word({"tanh(", "sin(", "(0.5 * "}) + v + ")";
  NodePtr body = make(isMap ? "(" + seen + " * $0)" : "sum(" + seen + " * $0)", "", value(dims, 2));
  names.erase(place);
  hasDerivative = hadDerivative;
  std::string use = "grad " + f + "($1) * $2"; // in a loss the second derivative is its gradient
  if (isMap)
    use = oneOf(2) ? "(jac " + f + "($1)) @ $2" : "$2 @ (jac " + f + "($1))";
  else if (kind != Loss && oneOf(2))
    use = "(hess " + f + "($1)) @ $2";
  Statement made{f + "(" + v + ") = ", make("$0\n  " + z + " = " + use, dims, std::move(body), std::move(point), std::move(direction)), false};
  names.insert({dims, z});
  return made;
}
