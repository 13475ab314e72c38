"""OpenCV's filters."""

import cv2

from embedder.preprocessing.filters import one_thread


def test_opencv_gets_its_threads_back_when_the_last_of_several_users_is_done():
    before = cv2.getNumThreads()
    first, second = one_thread(), one_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert cv2.getNumThreads() == 1
    second.__exit__(None, None, None)
    assert cv2.getNumThreads() == before
