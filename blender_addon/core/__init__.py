"""What the add-on does without Blender: talk to facegen, read its keys, make its environment. Imports no bpy."""
