#include "lib/tree/avl_tree.h"

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace astrata {
namespace {

struct Element : AvlLink {
    explicit Element(int k) : key(k) {}
    int key;
};
struct KeyOf {
    int operator()(Element const& element) const { return element.key; }
};
using Tree = AvlTree<Element, KeyOf>;

int check_shape(AvlLink const* link) {
    if (link == nullptr)
        return 0;
    EXPECT_TRUE(link->left == nullptr || link->left->parent == link);
    EXPECT_TRUE(link->right == nullptr || link->right->parent == link);
    int const left = check_shape(link->left);
    int const right = check_shape(link->right);
    EXPECT_LE(std::abs(left - right), 1);
    EXPECT_EQ(link->height, 1 + std::max(left, right));
    return 1 + std::max(left, right);
}

TEST(AvlTree, refuses_a_taken_key) {
    Tree tree;
    Element a(1), b(1);
    EXPECT_TRUE(tree.insert(a));
    EXPECT_FALSE(tree.insert(b));
    EXPECT_EQ(tree.find(1), &a);
    tree.remove(a);
    EXPECT_TRUE(tree.is_empty());
}

TEST(AvlTree, agrees_with_a_map_under_random_changes) {
    std::mt19937 random(7);
    Tree tree;
    std::map<int, Element*> model;
    std::vector<std::unique_ptr<Element>> storage;
    for (int step = 0; step < 20000; ++step) {
        int const key = static_cast<int>(random() % 300);
        auto found = model.find(key);
        if (found == model.end() && random() % 2 == 0) {
            storage.push_back(std::make_unique<Element>(key));
            ASSERT_TRUE(tree.insert(*storage.back()));
            model[key] = storage.back().get();
        } else if (found != model.end()) {
            tree.remove(*found->second);
            model.erase(found);
        }
        int const probe = static_cast<int>(random() % 302) - 1;
        auto lower = model.lower_bound(probe);
        ASSERT_EQ(tree.lower_bound(probe), lower == model.end() ? nullptr : lower->second);
        auto after = model.upper_bound(probe);
        ASSERT_EQ(tree.last_not_after(probe), after == model.begin() ? nullptr : std::prev(after)->second);
        if (step % 100 == 0) {
            check_shape(tree.root());
            auto expected = model.begin();
            for (auto* element = tree.first(); element != nullptr; element = Tree::next(*element), ++expected)
                ASSERT_EQ(element, expected->second);
            ASSERT_EQ(expected, model.end());
            auto backwards = model.rbegin();
            for (auto* element = tree.last(); element != nullptr; element = Tree::previous(*element), ++backwards)
                ASSERT_EQ(element, backwards->second);
            ASSERT_EQ(backwards, model.rend());
        }
    }
}

TEST(AvlTree, copies_its_shape_and_comes_apart) {
    std::mt19937 random(9);
    for (int size = 0; size < 70; ++size) {
        Tree tree;
        std::vector<std::unique_ptr<Element>> storage;
        for (int i = 0; i < size; ++i) {
            storage.push_back(std::make_unique<Element>(static_cast<int>(random() % 1000)));
            tree.insert(*storage.back());
        }
        Tree copy;
        std::vector<std::unique_ptr<Element>> twins;
        ASSERT_TRUE(copy.copy_shape(tree, [&](Element const& element) {
            twins.push_back(std::make_unique<Element>(element.key));
            return twins.back().get();
        }));
        check_shape(copy.root());
        auto* other = copy.first();
        int count = 0;
        for (auto* element = tree.first(); element != nullptr;
             element = Tree::next(*element), other = Tree::next(*other), ++count) {
            ASSERT_NE(other, nullptr);
            ASSERT_NE(other, element);
            ASSERT_EQ(other->key, element->key);
        }
        ASSERT_EQ(other, nullptr);
        Tree partial;
        int allowed = count / 2;
        ASSERT_EQ(partial.copy_shape(tree,
                                     [&](Element const& element) -> Element* {
                                         if (allowed-- == 0)
                                             return nullptr;
                                         twins.push_back(std::make_unique<Element>(element.key));
                                         return twins.back().get();
                                     }),
                  count == 0);
        int popped = 0;
        while (partial.pop_for_teardown() != nullptr)
            ++popped;
        ASSERT_EQ(popped, count / 2);
        while (copy.pop_for_teardown() != nullptr)
            --count;
        ASSERT_EQ(count, 0);
        ASSERT_TRUE(copy.is_empty());
    }
}

}  // namespace
}  // namespace astrata
