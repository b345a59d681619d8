"""nbgrader for this course: copy this folder, and run `nbgrader` in the copy.

nbgrader generate_assignment a1      # release/a1/a1.ipynb, without solutions and hidden tests
nbgrader zip_collect a1 --force      # from downloaded/a1/archive/STUDENT_a1.ipynb, as handed in
nbgrader autograde a1
nbgrader formgrader                  # in Jupyter: points for the written answers
nbgrader generate_feedback a1
nbgrader export --to grades.csv
"""

c = get_config()

c.CourseDirectory.course_id = "urdgn_lite"
c.FileNameCollectorPlugin.named_regexp = (
    r".*[/\\](?P<student_id>[\w.-]+?)[_-](?P<file_id>a\d\.ipynb)$"
)
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("Your code here.")'}
c.ExecutePreprocessor.timeout = 900
c.ExecutePreprocessor.allow_errors = True
