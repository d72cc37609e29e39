// Factorizations and solves of matrices, and the discrete Fourier transform.

#ifndef GRADUS_LINEARALGEBRA_TD
#define GRADUS_LINEARALGEBRA_TD

include "dialect/Base.td"

def Gradus_Matrix : Gradus_Enum<"MatrixKind", "What is known about a matrix", [
  I32EnumAttrCase<"General", 0, "general">, I32EnumAttrCase<"Lower", 1, "lower">,
  I32EnumAttrCase<"Upper", 2, "upper">, I32EnumAttrCase<"Positive", 3, "positive">]>;
def Gradus_MatrixAttr : Gradus_EnumAttr<Gradus_Matrix, "matrix">;

/// An op on the last two axes: those before them count matrices. `ok` has a value for each matrix; where it is false, every other
/// result of that matrix is NaN.
class Gradus_MatrixOp<string mnemonic, list<Trait> traits = []> : Gradus_PureOp<mnemonic, traits> {
  let hasVerifier = 1;
}

def Gradus_CholeskyOp : Gradus_MatrixOp<"cholesky", [AllTypesMatch<["a", "l"]>]> {
  let summary = "L with L L^T = A, lower triangular with a positive diagonal";
  let description = [{
    Reads the lower triangle of `a`; `ok` is false where A is not positive definite, or not finite.
    (cholesky_c1) the last two axes of `a` have one size. (cholesky_c2) `ok` has the shape of the axes before them.

    ```mlir
    %l, %ok = gradus.cholesky %p : !gradus.array<[n, n], f64>, !gradus.array<[], i1>
    ```
  }];
  let arguments = (ins FloatArray:$a);
  let results = (outs FloatArray:$l, BoolArray:$ok);
  let assemblyFormat = "$a attr-dict `:` type($a) `,` type($ok)";
}

def Gradus_SolveOp : Gradus_MatrixOp<"solve", [AllTypesMatch<["b", "x"]>]> {
  let summary = "X with A X = B; with `transposed`, A^T X = B";
  let description = [{
    A is `general` (LU with row pivots), `lower` or `upper` triangular (only that triangle is read), or `positive` definite
    (Cholesky; the lower triangle is read). `ok` is false where A is singular, that is a pivot is exactly 0, or not finite.
    (solve_c1) the last two axes of `a` have one size. (solve_c2) `b` has the axes of `a` but the last, then one more for the right sides.
    (solve_c3) `ok` has the shape of the axes before the last two. (solve_c4) the element types are equal.

    ```mlir
    %x, %ok = gradus.solve general %p, %q transposed : !gradus.array<[n, n], f64>, !gradus.array<[n, k], f64>, !gradus.array<[], i1>
    ```
  }];
  let arguments = (ins Gradus_MatrixAttr:$kind, FloatArray:$a, FloatArray:$b, UnitAttr:$transposed);
  let results = (outs FloatArray:$x, BoolArray:$ok);
  let assemblyFormat = "$kind $a `,` $b (`transposed` $transposed^)? attr-dict `:` type($a) `,` type($b) `,` type($ok)";
}

def Gradus_LogDetOp : Gradus_MatrixOp<"logdet", [AllTypesMatch<["value", "sign"]>]> {
  let summary = "ln |det A| and the sign of det A";
  let description = [{
    A singular matrix has the value -inf and the sign 0; one that is not finite gives NaN twice.
    (logdet_c1) the last two axes of `a` have one size. (logdet_c2) the results have the shape of the axes before them; of rank 0
    they are f64, else of the element type of `a`.

    ```mlir
    %v, %s = gradus.logdet %p : !gradus.array<[n, n], f32>, !gradus.array<[], f64>
    ```
  }];
  let arguments = (ins FloatArray:$a);
  let results = (outs FloatArray:$value, FloatArray:$sign);
  let assemblyFormat = "$a attr-dict `:` type($a) `,` type($value)";
}

def Gradus_QrOp : Gradus_MatrixOp<"qr"> {
  let summary = "A = Q R with orthonormal columns of Q and upper triangular R";
  let description = [{
    Thin: of A [m, n], Q is [m, k] and R [k, n], k = min(m, n). The diagonal of R is not negative, which makes the factors unique
    where A has full rank.
    (qr_c1) these shapes, behind equal leading axes; one element type.

    ```mlir
    %q, %r = gradus.qr %x : !gradus.array<[n, c], f64> -> !gradus.array<[n, "min(c, n)"], f64>, !gradus.array<["min(c, n)", c], f64>
    ```
  }];
  let arguments = (ins FloatArray:$a);
  let results = (outs FloatArray:$q, FloatArray:$r);
  let assemblyFormat = "$a attr-dict `:` type($a) `->` type($q) `,` type($r)";
}

def Gradus_EighOp : Gradus_MatrixOp<"eigh", [AllTypesMatch<["a", "vectors"]>]> {
  let summary = "Eigenvalues, ascending, and orthonormal eigenvectors of a symmetric matrix";
  let description = [{
    Reads the lower triangle. Column j of `vectors` belongs to values[j]; its entry of largest magnitude, the first of equal ones, is
    positive. `ok` is false where the iteration did not end or A is not finite.
    (eigh_c1) the last two axes of `a` have one size. (eigh_c2) `values` has the axes of `a` but the last, and its element type.
    (eigh_c3) `ok` has the shape of the axes before the last two.

    ```mlir
    %e, %q, %ok = gradus.eigh %p : !gradus.array<[n, n], f64>, !gradus.array<[n], f64>, !gradus.array<[], i1>
    ```
  }];
  let arguments = (ins FloatArray:$a);
  let results = (outs FloatArray:$values, FloatArray:$vectors, BoolArray:$ok);
  let assemblyFormat = "$a attr-dict `:` type($a) `,` type($values) `,` type($ok)";
}

def Gradus_SvdOp : Gradus_MatrixOp<"svd"> {
  let summary = "A = U diag(s) V^T, singular values descending";
  let description = [{
    Thin: of A [m, n], U is [m, k], s is [k], V is [n, k], k = min(m, n). The entry of largest magnitude in each column of U, the
    first of equal ones, is positive. `ok` is false where the iteration did not end or A is not finite.
    (svd_c1) these shapes, behind equal leading axes; one element type. (svd_c2) `ok` has the shape of the leading axes.

    ```mlir
    %u, %s, %v, %ok = gradus.svd %x : !gradus.array<[n, c], f64> ->
      !gradus.array<[n, "min(c, n)"], f64>, !gradus.array<["min(c, n)"], f64>, !gradus.array<[c, "min(c, n)"], f64>, !gradus.array<[], i1>
    ```
  }];
  let arguments = (ins FloatArray:$a);
  let results = (outs FloatArray:$u, FloatArray:$s, FloatArray:$v, BoolArray:$ok);
  let assemblyFormat = "$a attr-dict `:` type($a) `->` type($u) `,` type($s) `,` type($v) `,` type($ok)";
}

def Gradus_FftOp : Gradus_PureOp<"fft", [AllTypesMatch<["re", "im", "yre", "yim"]>]> {
  let summary = "The discrete Fourier transform along an axis, of numbers re + i im";
  let description = [{
    y[k] = sum over j of x[j] exp(-2 pi i j k / n), n the size of the axis; with `inverse`, the conjugate exponent and 1 / n in front.
    (fft_c1) `axis` is an axis of the operands.

    ```mlir
    %a, %b = gradus.fft %x, %y axis 1 inverse : !gradus.array<[n, c], f32>
    ```
  }];
  let arguments = (ins FloatArray:$re, FloatArray:$im, I64Attr:$axis, UnitAttr:$inverse);
  let results = (outs FloatArray:$yre, FloatArray:$yim);
  let assemblyFormat = "$re `,` $im `axis` $axis (`inverse` $inverse^)? attr-dict `:` type($re)";
  let hasVerifier = 1;
}

#endif // GRADUS_LINEARALGEBRA_TD
