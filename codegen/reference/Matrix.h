//===- Matrix.h - A matrix of the reference evaluator (internal) -----*- C++ -*-===//

#pragma once

#include "codegen/reference/Dual.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace gradus::reference {

template <typename S>
struct Matrix {
  int64_t rows, columns;
  std::vector<S> elements;

  Matrix(int64_t rows, int64_t columns) : rows(rows), columns(columns), elements(rows * columns, S(0)) {}
  S &operator()(int64_t i, int64_t j) { return elements[i * columns + j]; }
  const S &operator()(int64_t i, int64_t j) const { return elements[i * columns + j]; }

  static Matrix identity(int64_t n) {
    Matrix one(n, n);
    for (int64_t i = 0; i < n; ++i)
      one(i, i) = S(1);
    return one;
  }
  Matrix transposed() const {
    Matrix turned(columns, rows);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j)
        turned(j, i) = (*this)(i, j);
    return turned;
  }
  void swapColumns(int64_t a, int64_t b) {
    for (int64_t i = 0; i < rows; ++i)
      std::swap((*this)(i, a), (*this)(i, b));
  }
  /// Columns a and b become c a - s b and s a + c b.
  void rotateColumns(int64_t a, int64_t b, const S &c, const S &s) {
    for (int64_t i = 0; i < rows; ++i) {
      S x = (*this)(i, a), y = (*this)(i, b);
      (*this)(i, a) = c * x - s * y;
      (*this)(i, b) = s * x + c * y;
    }
  }
  void rotateRows(int64_t a, int64_t b, const S &c, const S &s) {
    for (int64_t j = 0; j < columns; ++j) {
      S x = (*this)(a, j), y = (*this)(b, j);
      (*this)(a, j) = c * x - s * y;
      (*this)(b, j) = s * x + c * y;
    }
  }
  S dotColumns(int64_t a, int64_t b) const {
    S sum(0);
    for (int64_t i = 0; i < rows; ++i)
      sum = sum + (*this)(i, a) * (*this)(i, b);
    return sum;
  }
  /// The entry of largest size in a column, the first of equal ones, is negative.
  bool pointsDown(int64_t j) const {
    double largest = 0;
    bool isNegative = false;
    for (int64_t i = 0; i < rows; ++i)
      if (auto value = static_cast<double>(Math<S>::lead((*this)(i, j))); std::fabs(value) > largest) {
        largest = std::fabs(value);
        isNegative = value < 0;
      }
    return isNegative;
  }
  void negateColumn(int64_t j) {
    for (int64_t i = 0; i < rows; ++i)
      (*this)(i, j) = -(*this)(i, j);
  }
};

} // namespace gradus::reference
