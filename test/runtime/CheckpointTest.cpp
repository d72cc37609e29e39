//===- CheckpointTest.cpp - Whole files, whole loads, and refusals ------------------===//

#include "runtime/gradus_checkpoint.h"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>

namespace fs = std::filesystem;

namespace {

/// A directory of its own, a checkpoint in it, and tensors to load into.
class Checkpoint : public ::testing::Test {
protected:
  fs::path folder;
  std::string path;
  std::vector<float> w = std::vector<float>(10000), w2 = std::vector<float>(10000, -1);
  std::array<double, 3> m{1, 2, 3}, m2{-1, -1, -1};
  std::array<int64_t, 2> matrix{100, 100};
  std::array<int64_t, 1> three{3}, none{0};
  std::vector<gradus_named_tensor> from, to;
  gradus_progress progress{17, 42, 0x1234, 5}, loaded{0, 0, 0x1234, 0};
  gradus_error error{};

  void SetUp() override {
    auto *info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder = fs::temp_directory_path() / (std::string("gradus-checkpoint-") + info->name());
    fs::remove_all(folder);
    fs::create_directory(folder);
    path = (folder / "run.gradus").string();
    std::mt19937 random(1);
    for (float &x : w)
      x = static_cast<float>(random());
    from = {{"w", {w.data(), matrix.data(), nullptr, 2, GRADUS_F32, GRADUS_CPU, 0}},
            {"w.base.m", {m.data(), three.data(), nullptr, 1, GRADUS_F64, GRADUS_CPU, 0}},
            {"empty", {nullptr, none.data(), nullptr, 1, GRADUS_F32, GRADUS_CPU, 0}}};
    to = from;
    to[0].tensor.data = w2.data();
    to[1].tensor.data = m2.data();
    ASSERT_EQ(gradus_checkpoint_save(nullptr, path.c_str(), &progress, from.data(), from.size()), GRADUS_OK);
  }
  void TearDown() override { fs::remove_all(folder); }

  gradus_status load() {
    gradus_context context{};
    context.user = this;
    context.error = [](void *user, const gradus_error *error) { static_cast<Checkpoint *>(user)->error = *error; };
    return gradus_checkpoint_load(&context, path.c_str(), &loaded, to.data(), to.size());
  }

  /// A load that must be refused and write nothing. Returns the message after the function's name.
  std::string refused(gradus_status expected) {
    gradus_status const got = load();
    if (got != expected)
      return std::string("status ") + gradus_status_name(got) + ": " + error.message;
    for (float x : w2)
      if (x != -1)
        return "w was written";
    if (m2 != std::array<double, 3>{-1, -1, -1} || loaded.t != 0)
      return "m or the progress was written";
    std::string const message = error.message, head = "gradus_checkpoint_load: ";
    return message.substr(0, head.size()) == head ? message.substr(head.size()) : "wrong head: " + message;
  }

  std::string bytes() {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void setBytes(const std::string &content) { std::ofstream(path, std::ios::binary | std::ios::trunc) << content; }
};

} // namespace

TEST_F(Checkpoint, comesBackBitForBit) {
  ASSERT_EQ(load(), GRADUS_OK) << error.message;
  EXPECT_EQ(w2, w);
  EXPECT_EQ(m2, m);
  EXPECT_EQ(loaded.t, 17u);
  EXPECT_EQ(loaded.seed, 42u);
  EXPECT_EQ(loaded.extra, 5u);
}

TEST_F(Checkpoint, leavesNothingBeside) {
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);
}

TEST_F(Checkpoint, isTheSameForTheSameContent) {
  std::string const first = bytes();
  ASSERT_EQ(gradus_checkpoint_save(nullptr, path.c_str(), &progress, from.data(), from.size()), GRADUS_OK);
  EXPECT_EQ(bytes(), first);
}

/// The check value of CRC-32, taken over "123456789" by every implementation, pins the polynomial: here over the file.
TEST_F(Checkpoint, endsWithItsCrc32) {
  std::string const content = bytes();
  uint32_t value = 0xFFFFFFFFu;
  for (size_t k = 0; k + 4 < content.size(); ++k) {
    value ^= static_cast<unsigned char>(content[k]);
    for (int bit = 0; bit < 8; ++bit)
      value = (value >> 1) ^ (0xEDB88320u & (0u - (value & 1u)));
  }
  uint32_t stored = 0;
  std::memcpy(&stored, content.data() + content.size() - 4, 4);
  EXPECT_EQ(stored, ~value);
  EXPECT_EQ(content.substr(0, 8), "GRADUSCK");
}

TEST_F(Checkpoint, refusesAnyDamagedByte) {
  std::string const content = bytes();
  for (size_t k = 8; k < content.size(); k += k < 300 ? 1 : 997) {
    std::string damaged = content;
    damaged[k] = static_cast<char>(damaged[k] ^ 0x10);
    setBytes(damaged);
    EXPECT_EQ(refused(GRADUS_ERROR_FORMAT), "'" + path + "' is damaged: its checksum is wrong") << "byte " << k;
  }
}

TEST_F(Checkpoint, refusesATruncatedFile) {
  std::string const content = bytes();
  for (size_t size : {size_t(0), size_t(7), size_t(59), size_t(60), size_t(200), content.size() / 2, content.size() - 1}) {
    setBytes(content.substr(0, size));
    std::string const message = refused(GRADUS_ERROR_FORMAT);
    EXPECT_TRUE(message.find("no checkpoint is so short") != std::string::npos ||
                message.find("checksum is wrong") != std::string::npos)
        << message;
  }
}

TEST_F(Checkpoint, refusesALongerFile) {
  setBytes(bytes() + std::string(64, '\0'));
  EXPECT_EQ(refused(GRADUS_ERROR_FORMAT), "'" + path + "' is damaged: its checksum is wrong");
}

TEST_F(Checkpoint, refusesAnotherFile) {
  setBytes(std::string(1000, 'x'));
  EXPECT_EQ(refused(GRADUS_ERROR_FORMAT), "'" + path + "' is no Gradus checkpoint");
}

TEST_F(Checkpoint, refusesADirectoryAndNoFile) {
  fs::remove(path);
  EXPECT_EQ(refused(GRADUS_ERROR_IO), "cannot open '" + path + "' (errno 2)");
  fs::create_directory(path);
  EXPECT_EQ(refused(GRADUS_ERROR_IO), "'" + path + "' is not a regular file");
}

TEST_F(Checkpoint, isNotSavedOverADevice) {
  std::string fifo = (folder / "fifo").string();
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(gradus_checkpoint_save(nullptr, fifo.c_str(), &progress, from.data(), from.size()), GRADUS_ERROR_IO);
  EXPECT_TRUE(fs::is_fifo(fifo));
}

TEST_F(Checkpoint, refusesAnotherSchema) {
  loaded.schema = 1;
  EXPECT_EQ(refused(GRADUS_ERROR_FORMAT), "'" + path + "' is of another schema");
}

TEST_F(Checkpoint, refusesAnotherName) {
  to[1].name = "w.base.v";
  EXPECT_EQ(refused(GRADUS_ERROR_FORMAT), "argument 'w.base.v': tensor 1 of the file is 'w.base.m'");
  to[1].name = "w";
  EXPECT_EQ(refused(GRADUS_ERROR_FORMAT), "argument 'w': tensor 1 of the file is 'w.base.m'");
}

TEST_F(Checkpoint, refusesAnotherNumberOfTensors) {
  to.pop_back();
  EXPECT_EQ(refused(GRADUS_ERROR_FORMAT), "'" + path + "' has 3 tensors, expected 2");
}

TEST_F(Checkpoint, refusesAnotherTypeRankOrSize) {
  std::array<int64_t, 1> two{2};
  std::array<int64_t, 2> pair{3, 1};
  to[1].tensor.dims = two.data();
  EXPECT_EQ(refused(GRADUS_ERROR_SHAPE), "argument 'w.base.m': dimension 0 is 3 in the file, expected 2");
  to[1].tensor.dims = pair.data();
  to[1].tensor.rank = 2;
  EXPECT_EQ(refused(GRADUS_ERROR_RANK), "argument 'w.base.m': rank is 1 in the file, expected 2");
  to[1].tensor = from[1].tensor;
  to[1].tensor.data = m2.data();
  to[1].tensor.dtype = GRADUS_I64;
  EXPECT_EQ(refused(GRADUS_ERROR_DTYPE), "argument 'w.base.m': the file has element type f64");
}

TEST_F(Checkpoint, refusesWhatItCannotHold) {
  std::array<int64_t, 2> columns{1, 100};
  gradus_named_tensor bad = from[0];
  auto save = [&] { return gradus_checkpoint_save(nullptr, path.c_str(), &progress, &bad, 1); };
  bad.tensor.strides = columns.data();
  EXPECT_EQ(save(), GRADUS_ERROR_STRIDE);
  bad = from[0];
  bad.tensor.data = nullptr;
  EXPECT_EQ(save(), GRADUS_ERROR_NULL);
  bad = from[0];
  bad.tensor.device_type = GRADUS_CUDA;
  EXPECT_EQ(save(), GRADUS_ERROR_DEVICE);
  bad = from[0];
  bad.name = nullptr;
  EXPECT_EQ(save(), GRADUS_ERROR_NULL);
  EXPECT_EQ(gradus_checkpoint_save(nullptr, nullptr, &progress, nullptr, 0), GRADUS_ERROR_NULL);
  ASSERT_EQ(load(), GRADUS_OK) << "the file of before is untouched";
}

TEST_F(Checkpoint, isNotLoadedIntoOneMemoryTwice) {
  gradus_named_tensor shared = to[1];
  from = {from[1], from[1]};
  to = {shared, shared};
  to[1].tensor.data = m2.data() + 1;
  three[0] = 2;
  ASSERT_EQ(gradus_checkpoint_save(nullptr, path.c_str(), &progress, from.data(), from.size()), GRADUS_OK) << "reading one memory twice is no harm";
  EXPECT_EQ(refused(GRADUS_ERROR_OVERLAP), "argument 'w.base.m': it overlaps 'w.base.m'");
}

TEST_F(Checkpoint, doesNotWaitForAPipe) {
  path = (folder / "pipe").string();
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(load(), GRADUS_ERROR_IO);
}

TEST_F(Checkpoint, failsToWriteWithoutATrace) {
  std::string const nowhere = (folder / "no" / "where").string();
  EXPECT_EQ(gradus_checkpoint_save(nullptr, nowhere.c_str(), &progress, from.data(), from.size()), GRADUS_ERROR_IO);
  fs::create_directories(folder / "taken" / "x");
  EXPECT_EQ(gradus_checkpoint_save(nullptr, (folder / "taken").c_str(), &progress, from.data(), from.size()), GRADUS_ERROR_IO);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 2);
}

TEST_F(Checkpoint, failsOnAFullDevice) {
  // The temporary name lies beside the target, so a full file system is played by a file-size limit in a child.
  auto saveWithALimit = [&] {
    rlimit limit{};
    limit.rlim_cur = limit.rlim_max = 1000;
    std::signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    progress.t = 18;
    std::exit(gradus_checkpoint_save(nullptr, path.c_str(), &progress, from.data(), from.size()));
  };
  EXPECT_EXIT(saveWithALimit(), ::testing::ExitedWithCode(GRADUS_ERROR_IO), "");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);
  ASSERT_EQ(load(), GRADUS_OK);
  EXPECT_EQ(loaded.t, 17u);
}

TEST_F(Checkpoint, keepsBlocksOfCodes) {
  constexpr int32_t type = GRADUS_BLOCKS + 8;
  std::array<int64_t, 2> sizes{3, 100};
  std::vector<float> numbers(w.begin(), w.begin() + 300);
  std::vector<unsigned char> bytes(gradus_bytes(type, 300)), read(bytes.size());
  gradus_encode(type, 300, numbers.data(), bytes.data());
  gradus_named_tensor named{"m", {bytes.data(), sizes.data(), nullptr, 2, type, GRADUS_CPU, 0}};
  ASSERT_EQ(gradus_checkpoint_save(nullptr, path.c_str(), &progress, &named, 1), GRADUS_OK);
  named.tensor.data = read.data();
  EXPECT_EQ(gradus_checkpoint_load(nullptr, path.c_str(), &loaded, &named, 1), GRADUS_OK);
  EXPECT_EQ(read, bytes);
  named.tensor.dtype = type + 1;
  EXPECT_EQ(gradus_checkpoint_load(nullptr, path.c_str(), &loaded, &named, 1), GRADUS_ERROR_DTYPE);
}
