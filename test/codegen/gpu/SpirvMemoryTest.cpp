//===- SpirvMemoryTest.cpp - Memory and control flow on a device of Vulkan -----------===//

#include "test/codegen/gpu/DeviceCode.h"

#include <numeric>

using namespace gradus::test;

namespace {

struct Memory : OnVulkan {};

/// %i: the number of the thread in all groups; %at: the address of its cell.
const std::string begin = R"(
  %group = gpu.block_id x
  %thread = gpu.thread_id x
  %g = arith.index_cast %group : index to i64
  %t = arith.index_cast %thread : index to i64
  %c256 = arith.constant 256 : i64
  %before = arith.muli %g, %c256 : i64
  %i = arith.addi %before, %t : i64
  %base = llvm.inttoptr %frame : i64 to !llvm.ptr
  %at = llvm.getelementptr %base[%i] : (!llvm.ptr, i64) -> !llvm.ptr, i64
  %x = llvm.load %at : !llvm.ptr -> i64
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c2 = arith.constant 2 : i64
)";

std::string kernel(const std::string &body, const std::string &before = "", const std::string &attributions = "") {
  return "gpu.module @m {\n" + before + "gpu.func @k(%frame: i64, %argument: i64, %first: i64) " + attributions + " kernel {" + begin + body +
         "  llvm.store %y, %at : i64, !llvm.ptr\n  gpu.return\n}\n}\n";
}

std::vector<uint64_t> count(size_t n) {
  std::vector<uint64_t> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

TEST_F(Memory, threadsOfAGroupMeet) {
  load(kernel(R"(
  memref.store %x, %shared[%thread] : memref<256xi64, #gpu.address_space<workgroup>>
  gpu.barrier
  %c255 = arith.constant 255 : index
  %other = arith.subi %c255, %thread : index
  %y = memref.load %shared[%other] : memref<256xi64, #gpu.address_space<workgroup>>
)",
              "", "workgroup(%shared: memref<256xi64, #gpu.address_space<workgroup>>)"),
       {"k"});
  std::vector<uint64_t> after = run(0, 8, count(2048));
  for (size_t i = 0; i < after.size(); ++i)
    ASSERT_EQ(after[i], i / 256 * 256 + 255 - i % 256);
}

/// A function gets a private array, walks the ones at the end of a number, and is called in a loop.
TEST_F(Memory, functionsKnowPrivateArrays) {
  std::string push = R"(
llvm.func internal @push(%stack: !llvm.ptr, %n: i64) -> i64 attributes {no_inline} {
  %rest, %ones = scf.while (%k = %n, %m = %n) : (i64, i64) -> (i64, i64) {
    %c1 = arith.constant 1 : i64
    %bit = arith.andi %k, %c1 : i64
    %isOdd = arith.cmpi eq, %bit, %c1 : i64
    scf.condition(%isOdd) %k, %m : i64, i64
  } do {
  ^bb0(%k: i64, %m: i64):
    %c1 = arith.constant 1 : i64
    %half = arith.shrui %k, %c1 : i64
    %more = arith.addi %m, %half : i64
    scf.yield %half, %more : i64, i64
  }
  %c2 = arith.constant 2 : i64
  %place = arith.remui %rest, %c2 : i64
  %one = arith.constant 1 : i64
  %two = arith.addi %place, %one : i64
  %slot = llvm.getelementptr %stack[%two] : (!llvm.ptr, i64) -> !llvm.ptr, i64
  %old = llvm.load %slot : !llvm.ptr -> i64
  %new = arith.addi %old, %ones : i64
  llvm.store %new, %slot : i64, !llvm.ptr
  llvm.return %new : i64
}
)";
  load(kernel(R"(
  %c3 = arith.constant 3 : i64
  %stack = llvm.alloca %c3 x i64 : (i64) -> !llvm.ptr
  %slot = llvm.getelementptr %stack[1] : (!llvm.ptr) -> !llvm.ptr, i64
  llvm.store %x, %slot : i64, !llvm.ptr
  %last = scf.for %k = %c0 to %x step %c1 iter_args(%sum = %c0) -> i64 : i64 {
    %pushed = llvm.call @push(%stack, %k) : (!llvm.ptr, i64) -> i64
    %isLarge = arith.cmpi ugt, %pushed, %sum : i64
    %next = scf.if %isLarge -> i64 {
      %more = arith.addi %pushed, %k : i64
      scf.yield %more : i64
    } else {
      scf.yield %sum : i64
    }
    scf.yield %next : i64
  }
  %kept = llvm.load %slot : !llvm.ptr -> i64
  %y = arith.muli %kept, %last : i64
)",
              push),
       {"k"});
  std::vector<uint64_t> after = run(0, 1, count(256));
  for (uint64_t x = 0; x < 256; ++x) {
    uint64_t kept = x, sum = 0;
    for (uint64_t k = 0; k < x; ++k) {
      uint64_t ones = k;
      for (uint64_t rest = k; rest & 1; rest >>= 1)
        ones += rest >> 1;
      kept += ones; // what is left is even: always the same slot
      if (kept > sum)
        sum = kept + k;
    }
    ASSERT_EQ(after[x], kept * sum) << x;
  }
}

/// More bytes than a string of a module holds, of two tables.
TEST_F(Memory, tablesComeWithTheModule) {
  std::string numbers, bytes;
  for (int k = 0; k < 6000; ++k)
    numbers += (k ? ", " : "") + std::to_string(int64_t(k) * k * 1000003);
  for (int k = 0; k < 7; ++k)
    bytes += (k ? ", " : "") + std::to_string(k * 36 - 128);
  load(kernel(R"(
  %small = llvm.mlir.addressof @small : !llvm.ptr
  %c7 = arith.constant 7 : i64
  %k = arith.remui %x, %c7 : i64
  %smallAt = llvm.getelementptr %small[%k] : (!llvm.ptr, i64) -> !llvm.ptr, i8
  %byte = llvm.load %smallAt : !llvm.ptr -> i8
  %wide = arith.extsi %byte : i8 to i64
  %large = llvm.mlir.addressof @large : !llvm.ptr
  %isOdd = arith.trunci %x : i64 to i1
  %from = arith.select %isOdd, %large, %base : !llvm.ptr
  %largeAt = llvm.getelementptr %from[0, %x] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.array<6000 x i64>
  %number = llvm.load %largeAt : !llvm.ptr -> i64
  %y = arith.addi %wide, %number : i64
)",
              "llvm.mlir.global internal constant @small(dense<[" + bytes + "]> : tensor<7xi8>) : !llvm.array<7 x i8>\n" +
                  "llvm.mlir.global internal constant @large(dense<[" + numbers + "]> : tensor<6000xi64>) : !llvm.array<6000 x i64>\n"),
       {"k"});
  std::vector<uint64_t> memory = count(5888);
  std::vector<uint64_t> after = run(0, 23, memory);
  for (uint64_t x = 0; x < after.size(); ++x)
    ASSERT_EQ(after[x], x % 7 * 36 - 128 + (x % 2 ? x * x * 1000003 : x)) << x;
}

/// Conditions in memory are bytes, vectors four numbers at a time.
TEST_F(Memory, vectorsMoveAtOnce) {
  load(kernel(R"(
  %row = llvm.getelementptr %base[%i] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.struct<(i32, array<3 x i32>)>
  %v = llvm.load %row {alignment = 16 : i64} : !llvm.ptr -> vector<4xi32>
  %c = arith.constant dense<[1, 20, 300, 4000]> : vector<4xi32>
  %p = arith.muli %v, %c : vector<4xi32>
  %is = arith.cmpi ult, %v, %c : vector<4xi32>
  %s = arith.select %is, %p, %c : vector<4xi1>, vector<4xi32>
  %third = vector.extract %s[2] : i32 from vector<4xi32>
  %all = vector.broadcast %third : i32 to vector<4xi32>
  %r = arith.addi %s, %all : vector<4xi32>
  gpu.barrier
  llvm.store %r, %row {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr
  gpu.barrier
  %y = llvm.load %at : !llvm.ptr -> i64
)"),
       {"k"});
  std::vector<uint64_t> memory = count(512), after = run(0, 1, memory);
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t x[4] = {2 * i, 0, 2 * i + 1, 0}, c[4] = {1, 20, 300, 4000}, s[4];
    for (int k = 0; k < 4; ++k)
      s[k] = x[k] < c[k] ? x[k] * c[k] : c[k];
    for (int k = 0; k < 2; ++k)
      ASSERT_EQ(after[2 * i + k], (uint64_t(s[2 * k + 1] + s[2]) << 32 | (s[2 * k] + s[2]))) << i;
  }
}

} // namespace
